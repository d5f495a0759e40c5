import Foundation
import Ringback
import Testing

struct FileStoreTests {
    @Test("What is put is there after a restart, until it is deleted")
    func restart() throws {
        let folder = try TemporaryFolder()
        let keys = ["installation", "../installation", "ключ"]
        for key in keys { try FileStore(folder: folder.url).put(key: key, value: "first") }
        for key in keys { try FileStore(folder: folder.url).put(key: key, value: "of \(key)\n") }
        for key in keys { #expect(try FileStore(folder: folder.url).get(key: key) == "of \(key)\n") }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).count == keys.count)
        try FileStore(folder: folder.url).delete(key: "installation")
        try FileStore(folder: folder.url).delete(key: "installation")
        #expect(try FileStore(folder: folder.url).get(key: "installation") == nil)
    }

    @Test("Only the user can read it")
    func permissions() throws {
        let folder = try TemporaryFolder()
        let secrets = folder.url.appendingPathComponent("secrets")
        try FileStore(folder: secrets).put(key: "installation", value: "secret")
        let files = FileManager.default
        let names = try files.contentsOfDirectory(atPath: secrets.path)
        let paths = names.map { secrets.appendingPathComponent($0).path } + [secrets.path]
        let modes = try paths.map { try files.attributesOfItem(atPath: $0)[.posixPermissions] as? NSNumber }
        #expect(modes == [0o600, 0o700])
    }

    @Test("A folder that cannot be made is a failure the core understands")
    func inTheWay() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appendingPathComponent("file")
        try Data("in the way".utf8).write(to: file)
        #expect(throws: HostError.Failed) {
            try FileStore(folder: file).put(key: "installation", value: "secret")
        }
    }
}
