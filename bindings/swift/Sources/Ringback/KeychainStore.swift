#if canImport(Security)
    import Foundation
    import Security

    /// Secrets in the keychain of this device: readable after its first unlock, in no backup and on no other device.
    public final class KeychainStore: SecureStore {
        private let service: String

        /// - Parameter service: Tells this app's secrets from another's, for example the bundle id.
        public init(service: String) {
            self.service = service
        }

        public func get(key: String) throws -> String? {
            var query = item(for: key)
            query[kSecReturnData] = true
            query[kSecMatchLimit] = kSecMatchLimitOne
            var found: CFTypeRef?
            let status = SecItemCopyMatching(query as CFDictionary, &found)
            if status == errSecItemNotFound { return nil }
            try check(status)
            guard let data = found as? Data else { throw HostError.Failed }
            return String(decoding: data, as: UTF8.self)
        }

        public func put(key: String, value: String) throws {
            let content: [CFString: Any] = [
                kSecValueData: Data(value.utf8),
                kSecAttrAccessible: kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly,
            ]
            let status = SecItemUpdate(item(for: key) as CFDictionary, content as CFDictionary)
            if status == errSecItemNotFound {
                let added = item(for: key).merging(content) { _, new in new }
                try check(SecItemAdd(added as CFDictionary, nil))
            } else {
                try check(status)
            }
        }

        public func delete(key: String) throws {
            let status = SecItemDelete(item(for: key) as CFDictionary)
            if status != errSecItemNotFound {
                try check(status)
            }
        }

        private func item(for key: String) -> [CFString: Any] {
            [kSecClass: kSecClassGenericPassword, kSecAttrService: service, kSecAttrAccount: key]
        }

        private func check(_ status: OSStatus) throws {
            switch status {
            case errSecSuccess: return
            // The device has not been unlocked since it was started.
            case errSecInteractionNotAllowed: throw HostError.Unavailable
            default: throw HostError.Failed
            }
        }
    }
#endif
