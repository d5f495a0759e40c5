package dev.ringback

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import okhttp3.Call
import okhttp3.CertificatePinner
import okhttp3.CookieJar
import okhttp3.Headers
import okhttp3.Interceptor
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.RequestBody.Companion.toRequestBody
import okhttp3.Response
import okio.Buffer
import java.io.IOException
import java.io.InterruptedIOException
import java.net.ConnectException
import java.net.NoRouteToHostException
import java.net.SocketTimeoutException
import java.net.UnknownHostException
import java.security.GeneralSecurityException
import java.util.concurrent.TimeUnit
import javax.net.ssl.SSLException
import javax.net.ssl.SSLPeerUnverifiedException
import kotlin.coroutines.resumeWithException

/**
 * HTTP by OkHttp. What the app has set up for its own calls (proxies, pins, trust, a connection pool) counts here too when
 * it hands in its own client; redirects, cookies, caches and repeats are switched off, as every [Transport] must. The pins of
 * [RingbackConfig] are asked for as well: the key of any certificate in the chain that the client trusts is one.
 *
 * @param client makes the client, with the first request.
 */
public class OkHttpTransport(
    client: () -> OkHttpClient = ::OkHttpClient,
) : Transport {
    private val calls: OkHttpClient by lazy {
        client()
            .newBuilder()
            .followRedirects(false)
            .followSslRedirects(false)
            .retryOnConnectionFailure(false)
            .cookieJar(CookieJar.NO_COOKIES)
            .cache(null)
            // Before each request, whoever opened the connection; the app's own pins are asked for when it is opened.
            .addNetworkInterceptor(PinCheck)
            .build()
    }

    /** A stream may be silent for as long as the core lets it. */
    private val streams: OkHttpClient by lazy {
        calls
            .newBuilder()
            .readTimeout(0, TimeUnit.MILLISECONDS)
            .callTimeout(0, TimeUnit.MILLISECONDS)
            .build()
    }

    override suspend fun send(request: HttpRequest): HttpResponse =
        answering {
            val call = calls.newCall(request.forOkHttp())
            call.timeout().timeout(request.timeoutMs.toLong(), TimeUnit.MILLISECONDS)
            call.await { response ->
                response.use {
                    HttpResponse(
                        it.code.toUShort(),
                        it.headers.forCore(),
                        it.bodyWithin(request.maxAnswerBytes),
                    )
                }
            }
        }

    override suspend fun stream(
        request: HttpRequest,
        sink: StreamSink,
    ): Unit =
        answering {
            sink.use {
                val call = streams.newCall(request.forOkHttp())
                val response =
                    withTimeoutOrNull(request.timeoutMs.toLong()) { call.await { it } }
                        ?: throw TransportException.TimedOut()
                call.handOver(response, sink)
            }
        }

    private suspend fun Call.handOver(
        response: Response,
        sink: StreamSink,
    ) {
        try {
            coroutineScope {
                // A blocked read ends only with its call.
                val end =
                    launch(start = CoroutineStart.UNDISPATCHED) {
                        try {
                            awaitCancellation()
                        } finally {
                            cancel()
                        }
                    }
                sink.head(response.code.toUShort(), response.headers.forCore())
                withContext(readers) {
                    val source = response.body.source()
                    val chunk = Buffer()
                    while (source.read(chunk, CHUNK_BYTES) != -1L) sink.push(chunk.readByteArray())
                }
                end.cancel()
            }
        } finally {
            cancel()
            response.close()
        }
    }

    private companion object {
        const val CHUNK_BYTES = 65_536L

        /** Threads of their own, so that idle streams do not use up those of [Dispatchers.IO]. */
        val readers = Dispatchers.IO.limitedParallelism(64, "ringback-streams")
    }
}

/** Nothing but a [TransportException] may cross the border: of anything else, errors too, the core would never hear. */
@Suppress("TooGenericExceptionCaught")
private suspend fun <T> answering(exchange: suspend () -> T): T =
    try {
        exchange()
    } catch (e: Throwable) {
        throw e.forCore()
    }

private fun Throwable.forCore(): TransportException =
    when (this) {
        is TransportException -> {
            this
        }

        is CancellationException -> {
            TransportException.Cancelled()
        }

        is PinMismatchException -> {
            TransportException.PinMismatch()
        }

        is SocketTimeoutException, is InterruptedIOException -> {
            TransportException.TimedOut()
        }

        is SSLPeerUnverifiedException, is SSLException, is GeneralSecurityException -> {
            TransportException
                .TlsFailed()
        }

        is ConnectException, is UnknownHostException, is NoRouteToHostException -> {
            TransportException
                .Unreachable()
        }

        is IOException -> {
            TransportException.ConnectionLost()
        }

        else -> {
            TransportException.HostFailed()
        }
    }

private fun HttpRequest.forOkHttp(): Request {
    val builder = Request.Builder().url(url)
    headers.forEach { builder.addHeader(it.name, it.value) }
    if (pins.isNotEmpty()) builder.tag(Pins::class.java, Pins(pins))
    // OkHttp wants a body where HTTP has one, an empty one too.
    val needsBody = method == "POST" || method == "PUT" || method == "PATCH"
    val sent = body ?: if (needsBody) ByteArray(0) else null
    return builder.method(method, sent?.toRequestBody(null)).build()
}

/** What a request asks of the server's keys. */
private class Pins(
    val pins: List<String>,
)

private class PinMismatchException : IOException()

/** Lets no request leave over a connection whose chain of certificates has none of its pins. */
private object PinCheck : Interceptor {
    override fun intercept(chain: Interceptor.Chain): Response {
        val asked = chain.request().tag(Pins::class.java)
        if (asked != null) {
            // The chain up to the trusted root; what else the server sends is not in it.
            val trusted =
                chain
                    .connection()
                    ?.handshake()
                    ?.peerCertificates
                    .orEmpty()
            if (trusted.none { CertificatePinner.pin(it) in asked.pins }) throw PinMismatchException()
        }
        return chain.proceed(chain.request())
    }
}

private fun Headers.forCore(): List<HttpHeader> = map { (name, value) -> HttpHeader(name, value) }

private fun Response.bodyWithin(maxBytes: UInt): ByteArray {
    val source = body.source()
    if (source.request(maxBytes.toLong() + 1)) throw TransportException.AnswerTooLarge()
    return source.readByteArray()
}

/** Reads where the answer arrives, so that no thread waits for the body after this coroutine is gone. */
private suspend fun <T> Call.await(read: (Response) -> T): T =
    suspendCancellableCoroutine { waiting ->
        waiting.invokeOnCancellation { cancel() }
        enqueue(
            object : okhttp3.Callback {
                override fun onFailure(
                    call: Call,
                    e: IOException,
                ) = waiting.resumeWithException(e)

                @Suppress("TooGenericExceptionCaught")
                override fun onResponse(
                    call: Call,
                    response: Response,
                ) {
                    val answer =
                        try {
                            read(response)
                        } catch (e: Throwable) {
                            response.close()
                            return waiting.resumeWithException(e)
                        }
                    waiting.resume(answer) { _, _, _ -> response.close() }
                }
            },
        )
    }
