package dev.ringback.sample

import dev.ringback.PersonName
import dev.ringback.PhoneNumber

/** What the person has told the app. It stays on the device. */
data class Settings(
    val number: PhoneNumber = PhoneNumber(""),
    val name: PersonName = PersonName(""),
)

/** Where settings are kept. */
interface SettingsStore {
    fun load(): Settings

    fun save(settings: Settings)
}
