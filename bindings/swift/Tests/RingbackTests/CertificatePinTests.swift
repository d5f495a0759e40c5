import Foundation
import RingbackGenerated
import Testing

@testable import Ringback

struct CertificatePinTests {
    @Test("The key is found in a certificate", arguments: [(p256, p256Key), (rsa, rsaKey)])
    func key(certificate: String, key: String) throws {
        let (certificate, key) = (try decoded(certificate), try decoded(key))
        #expect(publicKeyInfo(ofCertificate: certificate) == key)
        // A slice does not begin at 0.
        #expect(publicKeyInfo(ofCertificate: (Data([1, 2]) + certificate).dropFirst(2)) == key)
    }

    @Test("Whatever is no certificate has no key")
    func damaged() throws {
        let certificate = try decoded(p256)
        for length in 0..<certificate.count {
            #expect(publicKeyInfo(ofCertificate: certificate.prefix(length)) == nil)
        }
        for index in 0..<certificate.count {
            var changed = certificate
            changed[index] ^= 0xff
            _ = publicKeyInfo(ofCertificate: changed)
        }
    }

    #if canImport(CryptoKit)
        @Test("A pin is written as OpenSSL and OkHttp write it")
        func written() throws {
            let written = pin(ofCertificate: try decoded(p256))
            #expect(written == "sha256/dQpfGnUEKgeAwvn/U8CmNh4OWoNjHUyUKNcaLx8cYGg=")
        }
    #endif

    #if !canImport(Security)
        @Test("Where certificates are not shown a pin is refused, not passed over")
        func unsupported() async throws {
            let pins = ["A", "B"].map { "sha256/\(String(repeating: $0, count: 42))A=" }
            let nobody = HttpRequest(
                method: "GET", url: "https://127.0.0.1:1", headers: [], body: nil, timeoutMs: 1_000,
                maxAnswerBytes: 1_000, pins: pins)
            await #expect(throws: TransportError.PinningUnsupported) {
                _ = try await URLSessionTransport().send(request: nobody)
            }
            let folder = try TemporaryFolder()
            let error = try await failure {
                let configuration = RingbackConfiguration(
                    baseUrl: "https://127.0.0.1:1", appKey: "rb_pub_test",
                    dataDir: folder.url.appendingPathComponent("data").path, maxTries: 1, pins: pins)
                let store = FileStore(folder: folder.url.appendingPathComponent("secrets"))
                _ = try await Ringback(configuration: configuration, store: store).offer("billing")
            }
            #expect(error?.code == "client_failed")
            #expect(error?.detail.contains("cannot check pins") == true)
        }
    #endif

    @Test("A single pin is refused by name")
    func single() async throws {
        let error = try await failure {
            let configuration = RingbackConfiguration(
                baseUrl: "https://calls.example.com", appKey: "rb_pub_test", dataDir: "/nowhere",
                pins: ["sha256/\(String(repeating: "A", count: 43))="])
            let store = FileStore(folder: URL(fileURLWithPath: "/nowhere"))
            _ = try Ringback(configuration: configuration, store: store)
        }
        #expect(error?.code == "config_invalid")
        #expect(error?.field == "pins")
    }

    private func decoded(_ text: String) throws -> Data {
        try #require(Data(base64Encoded: text, options: .ignoreUnknownCharacters))
    }
}

// Made with OpenSSL, for nobody.

private let p256 = """
    MIIBjjCCATWgAwIBAgIUXyv4nK3EGJx28XXMAZSdNvItE3wwCgYIKoZIzj0EAwIwHDEaMBgGA1UEAwwRY2FsbHMuZXhh
    bXBsZS5jb20wIBcNMjYxMTI3MTIyMzI2WhgPMjEyNjExMDMxMjIzMjZaMBwxGjAYBgNVBAMMEWNhbGxzLmV4YW1wbGUu
    Y29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE+3ig0GkIKoMpYyuS4TdGC/ilU/392Tqk1ybwjhxWkwug3rplc0AY
    LIC9bxbfuwt7s6b7LUNFx40jURyOyriuY6NTMFEwHQYDVR0OBBYEFL3SZ1TrtjkWZ661sVQ3sYpcKxzDMB8GA1UdIwQY
    MBaAFL3SZ1TrtjkWZ661sVQ3sYpcKxzDMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgR7qknZ8oYvgj
    jLzAu9cEpRTpXDL/P5xssgDCFyQ8MIACID2GB62llHnJsYn9KEeTbmSVS5xv/ZK9BCejhg1IowBM
    """

private let p256Key = """
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE+3ig0GkIKoMpYyuS4TdGC/ilU/392Tqk1ybwjhxWkwug3rplc0AYLIC9
    bxbfuwt7s6b7LUNFx40jURyOyriuYw==
    """

private let rsa = """
    MIIDGzCCAgOgAwIBAgIURs7RHxB4SFWeppetpWNYhHDZRDswDQYJKoZIhvcNAQELBQAwHDEaMBgGA1UEAwwRY2FsbHMu
    ZXhhbXBsZS5jb20wIBcNMjYxMTI3MTIyMzI3WhgPMjEyNjExMDMxMjIzMjdaMBwxGjAYBgNVBAMMEWNhbGxzLmV4YW1w
    bGUuY29tMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAzPGV+vfpMzXJKoRC966AQlOhAddVBX11se7/Wlxu
    pDqoCfnrh4It9eyGyOoDczQO9yZYokk6EV35C4OXYWVxfUuO00HDvsPR57DfrG2ClYk5jji+dwuQfNcht0JdvFcBl/lS
    7z9+J/AnfyfnaLzBZ2BpSJ314fSdw0pq/jIWctsCC+8xXeCueXM2Q67YYULNUVmDLOx49upMuGjUrUU2/pThhmbqOTIL
    QmmxyQ5dhNwHRKocFz541VAUyM+mZ3bH82T7YxihExC+pRcsYd2W/fm/AZhmyQ0t7vH20ZFdlj9KADwb5j8xF8PSoObB
    IqX6kvEpwuUaafjdkagvgfDEiwIDAQABo1MwUTAdBgNVHQ4EFgQU/NliVo73DPqwDkTgznNsGI/yrD0wHwYDVR0jBBgw
    FoAU/NliVo73DPqwDkTgznNsGI/yrD0wDwYDVR0TAQH/BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOCAQEAwL4Ynq8k0oj8
    gKhAXyS1suATj375Kr/J08ymyrCUIKXLLHV3P6Pmk97t2k2Bj8pPFlKaHjPIKPkjdYU9ktak+flZwcdsqkCbui2bHPmH
    apu/dRd3qCMdWtQ/KVbKx6VyP6mIdHibYGkIbMk9mq3Llkh235jZJVgu/wIhyQrvt2w8h7F9WFvco4hsmdQY5sMluqON
    YUMhen67mxWZDen3mceFZSbzui9hWRBBByJAKYBwp1ICmGYwUMQzh4H+5rl3TCWnXKNOOlKzwvKZQnpvgYrLu7AL0YR9
    KI59DAaA5nI8BIgIk669+kWb6cz+sNuw3G5YjEh4D/qLHLYtunBWyw==
    """

private let rsaKey = """
    MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAzPGV+vfpMzXJKoRC966AQlOhAddVBX11se7/WlxupDqoCfnr
    h4It9eyGyOoDczQO9yZYokk6EV35C4OXYWVxfUuO00HDvsPR57DfrG2ClYk5jji+dwuQfNcht0JdvFcBl/lS7z9+J/An
    fyfnaLzBZ2BpSJ314fSdw0pq/jIWctsCC+8xXeCueXM2Q67YYULNUVmDLOx49upMuGjUrUU2/pThhmbqOTILQmmxyQ5d
    hNwHRKocFz541VAUyM+mZ3bH82T7YxihExC+pRcsYd2W/fm/AZhmyQ0t7vH20ZFdlj9KADwb5j8xF8PSoObBIqX6kvEp
    wuUaafjdkagvgfDEiwIDAQAB
    """
