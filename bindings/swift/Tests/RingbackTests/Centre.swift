import Foundation
import Ringback

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A contact centre of its own: the real server, the push services' doubles, agents. It ends with this value.
///
/// `Process` is not `Sendable`; it is touched at the beginning and at the end only.
final class Centre: @unchecked Sendable {
    private let process = Process()
    private let input = Pipe()
    private let facts: [String: String]

    /// Where APNs knows the app.
    var topic: String { get throws { try fact("topic") } }

    static func started() async throws -> Centre {
        try await offThread { try Centre() }
    }

    private init() throws {
        guard let server = ProcessInfo.processInfo.environment["RINGBACK_BIN"] else {
            throw CentreError(message: "RINGBACK_BIN is not set; run `cargo xtask test swift`")
        }
        // `ringback-centre` lies beside the server that is tested.
        process.executableURL = URL(fileURLWithPath: server).deletingLastPathComponent()
            .appendingPathComponent("ringback-centre")
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        var line = Data()
        while true {
            let some = output.fileHandleForReading.availableData
            line.append(some)
            if some.isEmpty || line.last == UInt8(ascii: "\n") { break }
        }
        facts = try JSONDecoder().decode([String: String].self, from: line)
    }

    deinit {
        // It ends when nobody can tell it anything any more.
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// Where it is.
    var url: String { get throws { try fact("url") } }

    /// What its app is known by.
    var appKey: String { get throws { try fact("app_key") } }

    /// An app on a phone, with all it keeps in `folder`.
    func app(
        _ folder: URL, transport: any Transport = URLSessionTransport(),
        captcha: (any CaptchaPresenter)? = nil, signer: (any InstallationSigner)? = nil,
        attestation: (any AttestationProvider)? = nil
    ) throws -> Ringback {
        let configuration = RingbackConfiguration(
            baseUrl: try url, appKey: try appKey, dataDir: folder.appendingPathComponent("data").path)
        return try Ringback(
            configuration: configuration, store: FileStore(folder: folder.appendingPathComponent("secrets")),
            transport: transport, captcha: captcha, signer: signer, attestation: attestation)
    }

    /// The same in a folder of the test's.
    func app(
        _ folder: TemporaryFolder, _ transport: any Transport = URLSessionTransport(),
        captcha: (any CaptchaPresenter)? = nil, signer: (any InstallationSigner)? = nil,
        attestation: (any AttestationProvider)? = nil
    ) throws -> Ringback {
        try app(
            folder.url, transport: transport, captcha: captcha, signer: signer, attestation: attestation)
    }

    /// A person passes a CAPTCHA of Turnstile's, for this action: the token that Turnstile gives out for it.
    func passTurnstile(action: String) async throws -> CaptchaToken {
        var request = URLRequest(url: try url("control", "/captcha_passes"))
        request.httpMethod = "POST"
        request.httpBody = try JSONEncoder().encode([
            "service": "turnstile", "place": try fact("captcha_place"), "action": action,
        ])
        return CaptchaToken(try await ask(request)["token"].text ?? "")
    }

    /// One request of the staff API, and its answer.
    @discardableResult
    func staff(_ method: String, _ path: String, _ body: (any Encodable & Sendable)? = nil) async throws
        -> Json
    {
        var request = URLRequest(url: try url("url", "/v1/staff/\(path)"))
        request.httpMethod = method
        request.setValue("Bearer \(try fact("staff_key"))", forHTTPHeaderField: "Authorization")
        if let body {
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
            request.httpBody = try JSONEncoder().encode(body)
        }
        return try await ask(request)
    }

    /// What a push service has received, once it has accepted `count` pushes.
    func received(_ provider: String, _ count: Int) async throws -> Json {
        let query = "provider=\(provider)&wait_for=\(count)"
        return try await ask(URLRequest(url: try url("control", "/received?\(query)")))["received"]
    }

    /// The `userInfo` of the first push that APNs accepts.
    func pushOverApns() async throws -> [String: Any] {
        try await received("apns", 1)[0]["payload"].fields
    }

    /// The server's figures.
    func metrics() async throws -> String {
        String(decoding: try await askRaw(URLRequest(url: try url("url", "/metrics"))), as: UTF8.self)
    }

    private func ask(_ request: URLRequest) async throws -> Json {
        Json(value: try JSONSerialization.jsonObject(with: try await askRaw(request)))
    }

    private func askRaw(_ request: URLRequest) async throws -> Data {
        let (body, answer) = try await URLSession.shared.data(for: request)
        guard let status = (answer as? HTTPURLResponse)?.statusCode, 200..<300 ~= status else {
            throw CentreError(message: String(decoding: body, as: UTF8.self))
        }
        return body
    }

    private func fact(_ name: String) throws -> String {
        guard let fact = facts[name] else {
            throw CentreError(message: "the centre did not tell its \(name)")
        }
        return fact
    }

    private func url(_ base: String, _ path: String) throws -> URL {
        guard let url = URL(string: try fact(base) + path) else {
            throw CentreError(message: "no URL: \(path)")
        }
        return url
    }
}

struct CentreError: Error {
    let message: String
}

/// An answer whose shape the test knows. Read from JSON, and never changed.
struct Json: @unchecked Sendable {
    let value: Any?

    subscript(key: String) -> Json { Json(value: fields[key]) }

    subscript(index: Int) -> Json {
        let items = value as? [Any] ?? []
        return Json(value: items.indices.contains(index) ? items[index] : nil)
    }

    var fields: [String: Any] { value as? [String: Any] ?? [:] }

    var text: String? { value as? String }
}
