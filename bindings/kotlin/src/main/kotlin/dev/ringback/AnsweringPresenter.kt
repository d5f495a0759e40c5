package dev.ringback

/** Passes everything on to [presenter], and an answer back in every case: of an `Error` the core would never hear. */
@Suppress("TooGenericExceptionCaught")
internal class AnsweringPresenter(
    private val presenter: CaptchaPresenter,
) : CaptchaPresenter by presenter {
    override suspend fun present(ask: CaptchaAsk): CaptchaToken =
        try {
            presenter.present(ask)
        } catch (e: CaptchaException) {
            throw e
        } catch (_: Throwable) {
            throw CaptchaException.Failed()
        }
}
