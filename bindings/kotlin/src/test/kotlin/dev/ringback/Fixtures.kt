package dev.ringback

import java.nio.file.Path

// Personal data in tests comes from tests/privacy-canaries.txt: no log may hold any of it.
internal val aRequest = CallbackRequest(service = "billing", number = PhoneNumber("+4930901820000"))

/** A client with all it keeps in [folder], that gives up after one try. */
internal fun ringback(
    baseUrl: String,
    folder: Path,
): Ringback =
    Ringback(
        RingbackConfig(baseUrl, "rb_pub_test", folder.resolve("data").toString(), maxTries = 1u),
        FileStore(folder.resolve("secrets")),
    )
