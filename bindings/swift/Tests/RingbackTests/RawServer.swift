import Foundation

/// One listening socket on loopback: a server that is there and is not Ringback. Every wait ends after ten seconds.
final class RawServer: Sendable {
    let port: UInt16
    private let listener: Int32

    init() throws {
        #if canImport(Glibc)
            let stream = Int32(SOCK_STREAM.rawValue)
        #else
            let stream = SOCK_STREAM
        #endif
        listener = try checked(socket(AF_INET, stream, 0))
        limitWaits(of: listener)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        port = try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                _ = try checked(bind(listener, generic, length))
                _ = try checked(listen(listener, 1))
                _ = try checked(getsockname(listener, generic, &length))
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
    }

    deinit {
        close(listener)
    }

    var url: String { "http://127.0.0.1:\(port)" }

    /// The next connection.
    func accepted() async throws -> RawConnection {
        try await offThread { [listener] in
            let connection = try checked(accept(listener, nil, nil))
            limitWaits(of: connection)
            return RawConnection(descriptor: connection)
        }
    }
}

final class RawConnection: Sendable {
    private let descriptor: Int32

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// What has come, at least one byte; empty at the end.
    func received() async throws -> [UInt8] {
        try await offThread { [descriptor] in
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = try checked(Int32(recv(descriptor, &bytes, bytes.count, 0)))
            return Array(bytes.prefix(Int(count)))
        }
    }

    func send(_ text: String) async throws {
        try await offThread { [descriptor] in
            let bytes = Array(text.utf8)
            #if canImport(Glibc)
                _ = try checked(Int32(Glibc.send(descriptor, bytes, bytes.count, 0)))
            #else
                _ = try checked(Int32(Darwin.send(descriptor, bytes, bytes.count, 0)))
            #endif
        }
    }
}

private func limitWaits(of descriptor: Int32) {
    var limit = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
}

private func checked(_ result: Int32) throws -> Int32 {
    if result < 0 {
        throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
    }
    return result
}

/// Work that blocks, on a thread that may.
func offThread<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async {
            continuation.resume(with: Result(catching: work))
        }
    }
}
