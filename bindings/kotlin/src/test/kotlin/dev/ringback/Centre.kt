package dev.ringback

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
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

    /** An app on a phone, with all it keeps in [folder]. */
    fun app(folder: Path): Ringback =
        Ringback(
            RingbackConfig(facts.text("url"), facts.text("app_key"), folder.resolve("data").toString()),
            FileStore(folder.resolve("secrets")),
        )

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

    /** The `data` of the first push that FCM accepts. */
    suspend fun pushOverFcm(): Map<String, String> {
        val record = ask(Request.newBuilder(URI("${facts.text("control")}/received?provider=fcm&wait_for=1")))
        val payload =
            record
                .getValue("received")
                .jsonArray
                .single()
                .jsonObject
                .at("payload")
        return payload.at("message").at("data").mapValues { it.value.jsonPrimitive.content }
    }

    private suspend fun ask(request: Request.Builder): JsonObject =
        withContext(Dispatchers.IO) {
            val answer = http.send(request.build(), BodyHandlers.ofString())
            check(answer.statusCode() == 200) { "${answer.statusCode()}: ${answer.body()}" }
            Json.parseToJsonElement(answer.body()).jsonObject
        }

    /** It ends when nobody can tell it anything any more. */
    override fun close() {
        process.outputStream.close()
        check(process.waitFor(30, SECONDS)) { "the centre did not stop" }
    }
}

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
