package dev.ringback

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse.BodyHandlers
import java.nio.file.Path
import java.util.concurrent.TimeUnit.SECONDS
import kotlin.io.path.isExecutable
import java.net.http.HttpRequest as Request

/** A contact centre of its own: the real server, the push services' doubles, agents. It ends with this value. */
internal class Centre : AutoCloseable {
    private val process =
        ProcessBuilder(
            program().toString(),
        ).redirectError(ProcessBuilder.Redirect.INHERIT).start()
    private val facts = Json.parseToJsonElement(process.inputReader().readLine() ?: "{}").jsonObject
    private val http = HttpClient.newHttpClient()

    /** Where it is. */
    val url: String get() = facts.text("url")

    /** What its app is known by. */
    val appKey: String get() = facts.text("app_key")

    /** An app on a phone, with all it keeps in [folder]. */
    fun app(
        folder: Path,
        transport: Transport = OkHttpTransport(),
        captcha: CaptchaPresenter? = null,
        store: SecureStore = FileStore(folder.resolve("secrets")),
        signer: InstallationSigner? = null,
        attestation: AttestationProvider? = null,
    ): Ringback =
        Ringback(
            RingbackConfig(url, appKey, folder.resolve("data").toString()),
            store,
            transport,
            captcha = captcha,
            signer = signer,
            attestation = attestation,
        )

    /** A person passes a CAPTCHA of Turnstile's, for this action: the token that Turnstile gives out for it. */
    suspend fun passTurnstile(action: String): CaptchaToken {
        val pass = """{"service": "turnstile", "place": "${facts.text(
            "captcha_place",
        )}", "action": "$action"}"""
        val passed =
            Request
                .newBuilder(
                    URI("${facts.text("control")}/captcha_passes"),
                ).POST(BodyPublishers.ofString(pass))
        return CaptchaToken(ask(passed).text("token"))
    }

    /** One request of the staff API, and its answer. */
    suspend fun staff(
        method: String,
        path: String,
        body: String? = null,
    ): JsonObject =
        ask(
            Request
                .newBuilder(URI("${facts.text("url")}/v1/staff/$path"))
                .header("Authorization", "Bearer ${facts.text("staff_key")}")
                .header("Content-Type", "application/json")
                .method(method, body?.let(BodyPublishers::ofString) ?: BodyPublishers.noBody()),
        )

    /** What a push service has received, once it has accepted [count] pushes. */
    suspend fun receivedBy(
        provider: String,
        count: Int,
    ): List<JsonObject> {
        val query = "provider=$provider&wait_for=$count"
        val record = ask(Request.newBuilder(URI("${facts.text("control")}/received?$query")))
        return record.getValue("received").jsonArray.map { it.jsonObject }
    }

    /** The `data` of the first push that FCM accepts. */
    suspend fun pushOverFcm(): Map<String, String> = fcmData(receivedBy("fcm", 1).single())

    /** Where APNs knows the app. */
    val topic: String get() = facts.text("topic")

    /** The server's figures. */
    suspend fun metrics(): String = askText(Request.newBuilder(URI("${facts.text("url")}/metrics")))

    private suspend fun ask(request: Request.Builder): JsonObject =
        Json.parseToJsonElement(askText(request)).jsonObject

    private suspend fun askText(request: Request.Builder): String =
        withContext(Dispatchers.IO) {
            val answer = http.send(request.build(), BodyHandlers.ofString())
            check(answer.statusCode() in 200..299) { "${answer.statusCode()}: ${answer.body()}" }
            answer.body()
        }

    /** It ends when nobody can tell it anything any more. */
    override fun close() {
        process.outputStream.close()
        check(process.waitFor(30, SECONDS)) { "the centre did not stop" }
    }
}

/** What an app gets of a push that FCM received. */
internal fun fcmData(push: JsonObject): Map<String, String> =
    push
        .at("payload")
        .at("message")
        .at("data")
        .mapValues { it.value.jsonPrimitive.content }

/** The texts among the custom keys of a push that APNs received. */
internal fun apnsData(push: JsonObject): Map<String, String> =
    push.at("payload").filterValues { it is JsonPrimitive }.mapValues { it.value.jsonPrimitive.content }

internal fun JsonElement.at(key: String): JsonObject = jsonObject.getValue(key).jsonObject

internal fun JsonElement.text(key: String): String = jsonObject.getValue(key).jsonPrimitive.content

/** `ringback-centre` lies beside the server that is tested. */
private fun program(): Path {
    val server =
        checkNotNull(
            System.getenv("RINGBACK_BIN"),
        ) { "RINGBACK_BIN is not set; run `cargo xtask test kotlin`" }
    return Path.of(server).resolveSibling("ringback-centre").also {
        check(it.isExecutable()) { "there is no $it" }
    }
}
