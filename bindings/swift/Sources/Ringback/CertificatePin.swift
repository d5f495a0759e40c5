import Foundation

#if canImport(CryptoKit)
    import CryptoKit

    /// The pin of a certificate's key, as a configuration has it.
    func pin(ofCertificate certificate: Data) -> String? {
        publicKeyInfo(ofCertificate: certificate).map {
            "sha256/" + Data(SHA256.hash(data: $0)).base64EncodedString()
        }
    }
#endif

/// The SubjectPublicKeyInfo of a certificate (RFC 5280, 4.1), both in DER; `nil` for what is no certificate. Security hands
/// out the bare key, whose kind would have to be guessed.
func publicKeyInfo(ofCertificate certificate: Data) -> Data? {
    var whole = DER(rest: certificate[...])
    guard var outer = whole.enter(DER.sequence), var body = outer.enter(DER.sequence) else { return nil }
    // The version may be left out.
    _ = body.enter(DER.version)
    // Serial number, algorithm, issuer, validity, subject.
    let before = [DER.integer, DER.sequence, DER.sequence, DER.sequence, DER.sequence]
    for tag in before where body.take(tag) == nil { return nil }
    return body.take(DER.sequence).map { Data($0) }
}

/// Elements of DER, one after the other.
private struct DER {
    static let sequence: UInt8 = 0x30
    static let integer: UInt8 = 0x02
    static let version: UInt8 = 0xa0

    var rest: Data.SubSequence

    /// What is in the next element, if it has this tag.
    mutating func enter(_ tag: UInt8) -> DER? {
        guard let (head, length) = next(tag) else { return nil }
        let body = rest.dropFirst(head).prefix(length)
        rest = rest.dropFirst(head + length)
        return DER(rest: body)
    }

    /// The next element as it is, if it has this tag.
    mutating func take(_ tag: UInt8) -> Data.SubSequence? {
        guard let (head, length) = next(tag) else { return nil }
        let element = rest.prefix(head + length)
        rest = rest.dropFirst(head + length)
        return element
    }

    /// How long the head of the next element is and what follows it, if it has this tag and is there as a whole.
    private func next(_ tag: UInt8) -> (head: Int, length: Int)? {
        let bytes = Array(rest.prefix(6))
        guard bytes.count >= 2, bytes[0] == tag else { return nil }
        var (head, length) = (2, Int(bytes[1]))
        if length >= 0x80 {
            let digits = length - 0x80
            guard (1...4).contains(digits), bytes.count >= 2 + digits else { return nil }
            length = bytes[2..<2 + digits].reduce(0) { $0 << 8 | Int($1) }
            head += digits
        }
        return rest.count - head >= length ? (head, length) : nil
    }
}
