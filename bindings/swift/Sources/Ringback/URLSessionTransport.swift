import Foundation
import RingbackGenerated

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif
#if canImport(Security)
    import Security
#endif

/// HTTP by `URLSession`: the device's trust, proxies and network settings count. Redirects, cookies and caches are switched
/// off, as every ``Transport`` must. On Apple's platforms the pins of the configuration are asked for as well: the key of any
/// certificate in the chain that the device trusts is one. On Linux `URLSession` shows no certificates, and a request with
/// pins fails with ``TransportError/PinningUnsupported``.
public final class URLSessionTransport: Transport {
    private let sessions: Sessions
    /// A stream that falls so far behind is opened anew: `URLSession` knows no back-pressure.
    private static let maxUnreadBytes = 1 << 20

    /// - Parameter configuration: Makes what the session starts from, with the first request. A copy is used, with cookies
    ///   and caches off.
    public init(configuration: @escaping @Sendable () -> URLSessionConfiguration = { .ephemeral }) {
        sessions = Sessions(configuration: configuration)
    }

    deinit { sessions.end() }

    public func send(request: HttpRequest) async throws -> HttpResponse {
        try await answering {
            let exchange = Exchange(capacity: Int(request.maxAnswerBytes), overflow: .AnswerTooLarge)
            // The session's own timer counts silence, not the whole exchange.
            let limit = Task {
                try await Task.sleep(nanoseconds: UInt64(request.timeoutMs) * 1_000_000)
                exchange.end(TransportError.TimedOut, nil)
            }
            defer { limit.cancel() }
            let (head, task) = try await start(exchange, request)
            defer { task.cancel() }
            var body = Data()
            for try await chunk in exchange.chunks { body.append(chunk) }
            try Task.checkCancellation()
            return HttpResponse(status: head.status, headers: head.headers, body: body)
        }
    }

    public func stream(request: HttpRequest, sink: StreamSink) async throws {
        try await answering {
            let exchange = Exchange(capacity: Self.maxUnreadBytes, overflow: .ConnectionLost)
            let (head, task) = try await start(exchange, request)
            defer { task.cancel() }
            try sink.head(status: head.status, headers: head.headers)
            try await withTaskCancellationHandler {
                for try await chunk in exchange.chunks {
                    try await sink.push(chunk: chunk)
                    exchange.wasRead(chunk)
                }
            } onCancel: {
                task.cancel()
            }
            try Task.checkCancellation()
        }
    }

    private func start(
        _ exchange: Exchange, _ request: HttpRequest
    ) async throws -> (Head, URLSessionDataTask) {
        let prepared = try Self.prepare(request)
        let (session, exchanges) = try sessions.session(asking: request.pins)
        let task = session.dataTask(with: prepared)
        exchanges.add(exchange, for: task)
        do {
            let head = try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    exchange.head.wait(continuation)
                    task.resume()
                }
            } onCancel: {
                task.cancel()
                exchange.head.resume(.failure(CancellationError()))
            }
            return (head, task)
        } catch {
            task.cancel()
            #if canImport(FoundationNetworking)
                // On Linux a failed handshake has no code of its own.
                if (error as? URLError)?.code == .unknown, prepared.url?.scheme == "https" {
                    throw TransportError.TlsFailed
                }
            #endif
            throw error
        }
    }

    private static func prepare(_ request: HttpRequest) throws -> URLRequest {
        guard let url = URL(string: request.url) else { throw TransportError.HostFailed }
        if !request.pins.isEmpty && url.scheme != "https" { throw TransportError.PinMismatch }
        // A day: limits are kept by `send` and, for streams, by the core.
        var prepared = URLRequest(url: url, timeoutInterval: 86_400)
        prepared.httpMethod = request.method
        prepared.httpBody = request.body
        for header in request.headers {
            prepared.addValue(header.value, forHTTPHeaderField: header.name)
        }
        return prepared
    }
}

/// Nothing but a ``TransportError`` may cross the border.
private func answering<T>(_ exchange: () async throws -> T) async throws -> T {
    do { return try await exchange() } catch { throw transportError(error) }
}

private func transportError(_ error: any Error) -> TransportError {
    if let error = error as? TransportError { return error }
    if error is CancellationError { return .Cancelled }
    let error = error as NSError
    guard error.domain == NSURLErrorDomain else { return .HostFailed }
    switch error.code {
    case NSURLErrorTimedOut: return .TimedOut
    case NSURLErrorCancelled: return .Cancelled
    case NSURLErrorCannotFindHost, NSURLErrorCannotConnectToHost, NSURLErrorDNSLookupFailed,
        NSURLErrorNotConnectedToInternet:
        return .Unreachable
    case NSURLErrorClientCertificateRequired...NSURLErrorSecureConnectionFailed: return .TlsFailed
    case NSURLErrorBadURL, NSURLErrorUnsupportedURL: return .HostFailed
    default: return .ConnectionLost
    }
}

private struct Head: Sendable {
    let status: UInt16
    let headers: [HttpHeader]

    init(_ response: HTTPURLResponse) {
        status = UInt16(clamping: response.statusCode)
        headers = response.allHeaderFields.map { HttpHeader(name: "\($0.key)", value: "\($0.value)") }
    }
}

/// One request: its head once, then its body in pieces.
private final class Exchange: @unchecked Sendable {
    let head = Once<Head>()
    let chunks: AsyncThrowingStream<Data, any Error>
    private let body: AsyncThrowingStream<Data, any Error>.Continuation
    private let overflow: TransportError
    private let lock = NSLock()
    private var room: Int

    init(capacity: Int, overflow: TransportError) {
        (chunks, body) = AsyncThrowingStream.makeStream(of: Data.self, throwing: (any Error).self)
        room = capacity
        self.overflow = overflow
    }

    /// False once more has come than there is room for: the exchange has then ended. Counted here and not by the reader, who
    /// gets no turn while an endless answer keeps the threads busy.
    func received(_ data: Data) -> Bool {
        let fits = lock.withLock {
            room -= data.count
            return room >= 0
        }
        if fits { body.yield(data) } else { body.finish(throwing: overflow) }
        return fits
    }

    func wasRead(_ chunk: Data) { lock.withLock { room += chunk.count } }

    func end(_ error: (any Error)?, _ response: URLResponse?) {
        if let error {
            head.resume(.failure(error))
        } else if let response = response as? HTTPURLResponse {
            head.resume(.success(Head(response)))
        } else {
            head.resume(.failure(TransportError.ConnectionLost))
        }
        body.finish(throwing: error)
    }
}

/// A continuation that is resumed once, by whoever is first: twice would end the process.
private final class Once<T: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var waiting: CheckedContinuation<T, any Error>?
    private var result: Result<T, any Error>?

    func wait(_ continuation: CheckedContinuation<T, any Error>) {
        let early = lock.withLock {
            if result == nil { waiting = continuation }
            return result
        }
        if let early { continuation.resume(with: early) }
    }

    func resume(_ outcome: Result<T, any Error>) {
        let continuation = lock.withLock {
            guard result == nil else { return nil as CheckedContinuation<T, any Error>? }
            result = outcome
            defer { waiting = nil }
            return waiting
        }
        continuation?.resume(with: outcome)
    }
}

/// The sessions, each made with the first request that asks for its pins and ended with the transport. A connection is used
/// for one set of pins only.
private final class Sessions: @unchecked Sendable {
    private let lock = NSLock()
    private var made: [[String]: (URLSession, Exchanges)] = [:]
    private let configuration: @Sendable () -> URLSessionConfiguration

    init(configuration: @escaping @Sendable () -> URLSessionConfiguration) {
        self.configuration = configuration
    }

    func session(asking pins: [String]) throws -> (URLSession, Exchanges) {
        #if !canImport(Security)
            // There is no certificate to be had from it.
            if !pins.isEmpty { throw TransportError.PinningUnsupported }
        #endif
        return lock.withLock {
            if let made = made[pins] { return made }
            let settings = configuration()
            settings.httpCookieStorage = nil
            settings.httpShouldSetCookies = false
            settings.urlCache = nil
            let queue = OperationQueue()
            queue.maxConcurrentOperationCount = 1
            let exchanges = Exchanges(asking: pins)
            let session = URLSession(configuration: settings, delegate: exchanges, delegateQueue: queue)
            made[pins] = (session, exchanges)
            return (session, exchanges)
        }
    }

    func end() {
        lock.withLock {
            for (session, _) in made.values { session.invalidateAndCancel() }
        }
    }
}

/// The exchanges that are under way, by task.
private final class Exchanges: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private let pins: [String]
    private let lock = NSLock()
    private var running: [Int: Exchange] = [:]

    init(asking pins: [String]) { self.pins = pins }

    #if canImport(Security)
        func urlSession(
            _ session: URLSession, task: URLSessionTask, didReceive challenge: URLAuthenticationChallenge,
            completionHandler: @escaping (URLSession.AuthChallengeDisposition, URLCredential?) -> Void
        ) {
            let space = challenge.protectionSpace
            // What is not trusted without pins fails as it does without pins.
            guard !pins.isEmpty, space.authenticationMethod == NSURLAuthenticationMethodServerTrust,
                let trust = space.serverTrust, SecTrustEvaluateWithError(trust, nil)
            else { return completionHandler(.performDefaultHandling, nil) }
            let chain = SecTrustCopyCertificateChain(trust) as? [SecCertificate] ?? []
            let shown = chain.compactMap { pin(ofCertificate: SecCertificateCopyData($0) as Data) }
            if shown.contains(where: pins.contains) {
                completionHandler(.useCredential, URLCredential(trust: trust))
            } else {
                exchange(of: task)?.end(TransportError.PinMismatch, nil)
                completionHandler(.cancelAuthenticationChallenge, nil)
            }
        }
    #endif

    func add(_ exchange: Exchange, for task: URLSessionTask) {
        lock.withLock { running[task.taskIdentifier] = exchange }
    }

    private func exchange(of task: URLSessionTask) -> Exchange? {
        lock.withLock { running[task.taskIdentifier] }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        if let response = response as? HTTPURLResponse {
            exchange(of: dataTask)?.head.resume(.success(Head(response)))
        }
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        if exchange(of: dataTask)?.received(data) == false { dataTask.cancel() }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        let ended = lock.withLock { running.removeValue(forKey: task.taskIdentifier) }
        ended?.end(error, task.response)
    }
}
