#if canImport(CryptoKit)
    import CryptoKit
    import Foundation
    import RingbackGenerated
    import Security

    /// Signs with a P-256 key of the Secure Enclave, which never leaves it. On devices without one the key lies in `store`.
    public final class SecureEnclaveSigner: InstallationSigner {
        private static let name = "ringback.signer"
        private let store: any SecureStore

        /// - Parameter store: Where the handle of the key is kept, which is of use on this device alone.
        public init(store: any SecureStore) {
            self.store = store
        }

        public func publicKey() throws -> SignerKey {
            let key = try key()
            return SignerKey(algorithm: .ecdsaP256Sha256, key: key.publicKey)
        }

        public func sign(message: Data) throws -> Data {
            try key().sign(message)
        }

        private func key() throws -> Key {
            do {
                if let kept = try store.get(key: Self.name), let data = Data(base64Encoded: kept) {
                    return try Key(data)
                }
                let key = try Key()
                try store.put(key: Self.name, value: key.data.base64EncodedString())
                return key
            } catch let error as HostError {
                throw error
            } catch {
                throw HostError.Failed
            }
        }

        /// A key of the enclave where there is one, and one in memory elsewhere, for example in the simulator.
        private enum Key {
            case enclave(SecureEnclave.P256.Signing.PrivateKey)
            case memory(P256.Signing.PrivateKey)

            init() throws {
                guard SecureEnclave.isAvailable else {
                    self = .memory(.init())
                    return
                }
                // Requests are also sent, and pushes answered, while the phone is locked.
                let access = SecAccessControlCreateWithFlags(
                    nil, kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly, .privateKeyUsage, nil)
                guard let access else { throw HostError.Failed }
                self = .enclave(try .init(accessControl: access))
            }

            init(_ data: Data) throws {
                if SecureEnclave.isAvailable {
                    self = .enclave(try .init(dataRepresentation: data))
                } else {
                    self = .memory(try .init(rawRepresentation: data))
                }
            }

            var data: Data {
                switch self {
                case .enclave(let key): key.dataRepresentation
                case .memory(let key): key.rawRepresentation
                }
            }

            var publicKey: Data {
                switch self {
                case .enclave(let key): key.publicKey.x963Representation
                case .memory(let key): key.publicKey.x963Representation
                }
            }

            func sign(_ message: Data) throws -> Data {
                switch self {
                case .enclave(let key): try key.signature(for: message).rawRepresentation
                case .memory(let key): try key.signature(for: message).rawRepresentation
                }
            }
        }
    }
#endif
