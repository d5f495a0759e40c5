package dev.ringback.sample

import dev.ringback.Centre
import dev.ringback.HttpRequest
import dev.ringback.HttpResponse
import dev.ringback.OkHttpTransport
import dev.ringback.PersonName
import dev.ringback.PhoneNumber
import dev.ringback.StreamSink
import dev.ringback.Transport
import dev.ringback.TransportException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import java.nio.file.Path
import java.time.ZoneId
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

/** The phone's own network: real HTTP, until it is switched off. */
internal class Network : Transport {
    private val http = OkHttpTransport()
    private val off = MutableStateFlow(false)

    var airplaneMode: Boolean
        get() = off.value
        set(value) {
            off.value = value
        }

    override suspend fun send(request: HttpRequest): HttpResponse {
        if (airplaneMode) throw TransportException.Unreachable()
        return http.send(request)
    }

    override suspend fun stream(
        request: HttpRequest,
        sink: StreamSink,
    ) {
        // What is open when the network goes is cut off.
        coroutineScope {
            val cut =
                launch {
                    off.first { it }
                    throw TransportException.Unreachable()
                }
            http.stream(request, sink)
            cut.cancel()
        }
    }
}

/** Settings that live as long as the test. */
internal class KeptSettings(
    private var settings: Settings,
) : SettingsStore {
    override fun load() = settings

    override fun save(settings: Settings) {
        this.settings = settings
    }
}

/** A phone with the sample app; [folder] is its disk. */
internal class Phone(
    private val centre: Centre,
    private val folder: Path,
    private val service: String,
    number: String,
) : AutoCloseable {
    val network = Network()
    val settings = KeptSettings(Settings(PhoneNumber(number), PersonName("Wilhelmina Quartzbottom")))
    private var process: Process = Process()

    /** The app as it runs now. */
    val app: SampleModel get() = process.app

    private inner class Process {
        val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
        val ringback = centre.app(folder, network)
        val app = SampleModel(ringback, service, settings, scope, zone = ZoneId.of("Europe/Berlin"))

        fun end() {
            scope.cancel()
            ringback.close()
        }
    }

    /** The person leaves the app, its process ends, as phones let it, and the app is opened again. */
    suspend fun restart() {
        app.stop()
        process.ringback.pause()
        process.end()
        process = Process()
    }

    suspend fun <T : Standing> stands(
        type: Class<T>,
        matches: (T) -> Boolean = { true },
    ): T =
        app.watch.known.until { known ->
            known
                .standing()
                .takeIf(type::isInstance)
                ?.let(type::cast)
                ?.takeIf(matches)
        }

    suspend inline fun <reified T : Standing> stands(noinline matches: (T) -> Boolean = { true }): T =
        stands(T::class.java, matches)

    override fun close() = process.end()
}

/** The first value that [find] finds something in. */
internal suspend fun <S, T : Any> Flow<S>.until(find: (S) -> T?): T {
    var found: T? = null
    withTimeout(20.seconds) { first { state -> find(state).also { found = it } != null } }
    return checkNotNull(found)
}

/** Runs [test] with a centre of its own and a phone whose app asks for [service]. */
internal fun onAPhone(
    folder: Path,
    number: String,
    service: String = "billing",
    test: suspend (Centre, Phone) -> Unit,
) = runBlocking {
    Centre().use { centre ->
        Phone(centre, folder, service, number).use { phone -> withTimeout(1.minutes) { test(centre, phone) } }
    }
}
