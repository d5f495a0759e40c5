// What MainActivity takes from androidx.activity, which only Google's repository has.
package androidx.activity

import android.app.Activity
import android.content.Intent

open class ComponentActivity : Activity() {
    override fun onNewIntent(intent: Intent) = super.onNewIntent(intent)
}

fun ComponentActivity.enableEdgeToEdge() = Unit
