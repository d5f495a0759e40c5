package dev.ringback

import kotlinx.coroutines.CancellationException

/**
 * Has Google Play vouch for app and device. The app brings Play's library, so that nothing here depends on it:
 *
 * ```
 * val attestation = PlayIntegrityProvider { requestHash ->
 *     provider.request(StandardIntegrityTokenRequest.builder().setRequestHash(requestHash).build()).await().token()
 * }
 * ```
 *
 * @param token the token for this request hash (a classic request takes it as nonce); `null` when there is none to give.
 */
public class PlayIntegrityProvider(
    private val token: suspend (requestHash: String) -> String?,
) : AttestationProvider {
    // Whatever Play's library throws, the request goes out without evidence.
    @Suppress("TooGenericExceptionCaught")
    override suspend fun attest(ask: AttestationAsk): AttestationEvidence? {
        if ("play_integrity" !in ask.providers) return null
        return try {
            token(ask.requestHash)?.let { AttestationEvidence.PlayIntegrity(it) }
        } catch (cancelled: CancellationException) {
            throw cancelled
        } catch (_: Exception) {
            throw HostException.Unavailable()
        }
    }
}
