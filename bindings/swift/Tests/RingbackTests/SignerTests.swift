import Foundation
import Ringback
import Testing

/// The host's own key, and a host that vouches for the app, against the real server; the same stands in Kotlin.
@Suite(.timeLimit(.minutes(1)))
struct SignerTests {
    /// A host whose key store cannot be used.
    private final class Locked: InstallationSigner {
        func publicKey() throws -> SignerKey { throw HostError.Unavailable }
        func sign(message: Data) throws -> Data { throw HostError.Unavailable }
    }

    /// A host whose key signs nothing that could be believed.
    private final class Wrong: InstallationSigner {
        func publicKey() throws -> SignerKey {
            SignerKey(algorithm: .ed25519, key: Data(repeating: 7, count: 32))
        }
        func sign(message: Data) throws -> Data { Data(repeating: 7, count: 64) }
    }

    private final class Asked: AttestationProvider {
        func attest(ask: AttestationAsk) async throws -> AttestationEvidence? {
            Issue.record("this server judges no evidence")
            return nil
        }
    }

    @Test("A key of the host is asked, and what it signs is checked")
    func hostKey() async throws {
        let folder = try TemporaryFolder()
        let centre = try await Centre.started()
        let locked = try centre.app(folder, signer: Locked())
        #expect(try await failure { _ = try await locked.callbacks() }?.code == "host_storage_failed")
        let wrong = try centre.app(folder, signer: Wrong())
        #expect(try await failure { _ = try await wrong.callbacks() }?.code == "signature_invalid")
    }

    @Test("The server says whom it believes, and without evidence nothing is lost")
    func noEvidence() async throws {
        let folder = try TemporaryFolder()
        let centre = try await Centre.started()
        let app = try centre.app(folder, attestation: Asked())
        #expect(try await app.requestCallback(aRequest).state == .queued)
    }
}
