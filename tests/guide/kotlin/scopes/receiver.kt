package guide.SNIPPET

import android.content.Context
import dev.ringback.*
import dev.ringback.android.*
import guide.*

/** What a file of an Android app declares. Compiled and not run: AndroidJourneyTest.kt taps such a notification. */
internal abstract class App {
    abstract val ringback: Ringback

// the snippet
}
