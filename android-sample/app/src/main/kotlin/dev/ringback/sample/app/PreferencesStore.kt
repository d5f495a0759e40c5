package dev.ringback.sample.app

import android.content.Context
import dev.ringback.PersonName
import dev.ringback.PhoneNumber
import dev.ringback.sample.Settings
import dev.ringback.sample.SettingsStore

/** Settings in the app's own preferences, which no backup takes along. */
internal class PreferencesStore(
    context: Context,
) : SettingsStore {
    private val preferences = context.getSharedPreferences("settings", Context.MODE_PRIVATE)

    override fun load() =
        Settings(
            PhoneNumber(preferences.getString(NUMBER, null).orEmpty()),
            PersonName(preferences.getString(NAME, null).orEmpty()),
        )

    override fun save(settings: Settings) =
        preferences
            .edit()
            .putString(NUMBER, settings.number.value)
            .putString(NAME, settings.name.value)
            .apply()

    private companion object {
        const val NUMBER = "number"
        const val NAME = "name"
    }
}
