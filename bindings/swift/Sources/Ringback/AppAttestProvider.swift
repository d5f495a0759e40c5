#if canImport(DeviceCheck) && canImport(CryptoKit)
    import CryptoKit
    import DeviceCheck
    import Foundation
    import RingbackGenerated

    /// Has Apple vouch for app and device by App Attest. The app needs the App Attest capability.
    public final class AppAttestProvider: AttestationProvider {
        private static let name = "ringback.app-attest"
        private let store: any SecureStore

        /// - Parameter store: Where the id of the attested key is kept.
        public init(store: any SecureStore) {
            self.store = store
        }

        public func attest(ask: AttestationAsk) async throws -> AttestationEvidence? {
            let service = DCAppAttestService.shared
            guard service.isSupported, ask.providers.contains("app_attest") else { return nil }
            let hash = Data(SHA256.hash(data: Data(ask.challenge.utf8)))
            do {
                if !ask.newKey, let keyId = try store.get(key: Self.name) {
                    do {
                        let assertion = try await service.generateAssertion(keyId, clientDataHash: hash)
                        return .appAttestAssertion(keyId: keyId, assertion: assertion.base64EncodedString())
                    } catch let error as DCError where error.code == .invalidKey {
                        // The key went with an earlier installation of the app.
                    }
                }
                let keyId = try await service.generateKey()
                let attestation = try await service.attestKey(keyId, clientDataHash: hash)
                try store.put(key: Self.name, value: keyId)
                return .appAttest(keyId: keyId, attestation: attestation.base64EncodedString())
            } catch let error as DCError where error.code == .serverUnavailable {
                throw HostError.Unavailable
            } catch {
                throw HostError.Failed
            }
        }
    }
#endif
