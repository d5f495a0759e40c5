import Foundation

/// Secrets as files that only the app's user can read, for Linux and for tests. On Apple's platforms take
/// `KeychainStore`.
public final class FileStore: SecureStore {
    private let folder: URL

    /// - Parameter folder: A folder of this app alone; made when it is missing.
    public init(folder: URL) {
        self.folder = folder
    }

    public func get(key: String) throws -> String? {
        let file = file(for: key)
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        return try orFailed { try String(contentsOf: file, encoding: .utf8) }
    }

    public func put(key: String, value: String) throws {
        try orFailed {
            let files = FileManager.default
            try files.createDirectory(
                at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            let partial = folder.appendingPathComponent("partial-\(UUID().uuidString)")
            defer { try? files.removeItem(at: partial) }
            guard
                files.createFile(atPath: partial.path, contents: nil, attributes: [.posixPermissions: 0o600])
            else { throw HostError.Failed }
            let handle = try FileHandle(forWritingTo: partial)
            try handle.write(contentsOf: Data(value.utf8))
            try handle.synchronize()
            try handle.close()
            // Readers see the old value or the new one, whatever happens in between.
            guard rename(partial.path, file(for: key).path) == 0 else { throw HostError.Failed }
        }
    }

    public func delete(key: String) throws {
        let file = file(for: key)
        guard FileManager.default.fileExists(atPath: file.path) else { return }
        try orFailed { try FileManager.default.removeItem(at: file) }
    }

    // In hexadecimal, so that no key can name a file elsewhere.
    private func file(for key: String) -> URL {
        folder.appendingPathComponent(key.utf8.map { String(format: "%02x", $0) }.joined())
    }

    private func orFailed<T>(_ work: () throws -> T) throws -> T {
        do {
            return try work()
        } catch {
            throw HostError.Failed
        }
    }
}
