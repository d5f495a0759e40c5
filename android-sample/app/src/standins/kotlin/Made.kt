@file:Suppress("ktlint:standard:class-naming", "ktlint:standard:property-naming")

// What Android's own build makes of the resources and of build.gradle.kts.

package dev.ringback.sample.app

internal object R {
    object drawable {
        const val ic_phone = 1
    }
}

internal object BuildConfig {
    const val DEBUG = false
    const val VERSION_NAME = ""
    const val RINGBACK_URL = ""
    const val RINGBACK_APP_KEY = ""
    const val RINGBACK_SERVICE = ""
}
