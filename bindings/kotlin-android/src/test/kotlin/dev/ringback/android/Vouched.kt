package dev.ringback.android

import java.io.ByteArrayInputStream
import java.security.KeyPair
import java.security.Signature
import java.security.cert.Certificate
import java.security.cert.CertificateFactory

/**
 * The certificate that a Keystore makes of this pair: with the description of the key where it was made for a challenge. Of the
 * description there is only the challenge; the server's own tests have whole ones.
 */
internal fun certificateOf(
    pair: KeyPair,
    challenge: ByteArray?,
): Certificate {
    val name =
        der(
            0x30,
            der(
                0x31,
                der(
                    0x30,
                    oid("0603550403") + der(0x0c, "Android Keystore Key".toByteArray()),
                ),
            ),
        )
    val time = { text: String -> der(0x17, text.toByteArray()) }
    val extensions =
        challenge?.let {
            val description = oid("060a2b06010401d679020111") + der(0x04, der(0x30, der(0x04, it)))
            der(0xa3, der(0x30, der(0x30, description)))
        } ?: byteArrayOf()
    val algorithm = der(0x30, oid("06082a8648ce3d040302"))
    val told =
        der(
            0x30,
            der(0xa0, der(0x02, byteArrayOf(2))) + der(0x02, byteArrayOf(1)) + algorithm + name +
                der(0x30, time("700101000000Z") + time("480101000000Z")) + name + pair.public.encoded +
                extensions,
        )
    val signature =
        Signature.getInstance("SHA256withECDSA").run {
            initSign(pair.private)
            update(told)
            sign()
        }
    val whole = der(0x30, told + algorithm + der(0x03, byteArrayOf(0) + signature))
    return CertificateFactory.getInstance("X.509").generateCertificate(ByteArrayInputStream(whole))
}

private fun oid(hex: String): ByteArray = hex.chunked(2).map { it.toInt(16).toByte() }.toByteArray()

private fun der(
    tag: Int,
    content: ByteArray,
): ByteArray {
    val length = content.size
    val head =
        when {
            length < 0x80 -> byteArrayOf(length.toByte())
            length < 0x100 -> byteArrayOf(0x81.toByte(), length.toByte())
            else -> byteArrayOf(0x82.toByte(), (length shr 8).toByte(), length.toByte())
        }
    return byteArrayOf(tag.toByte()) + head + content
}
