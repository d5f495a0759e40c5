package dev.ringback.android

import java.util.Locale

/**
 * The words of a question's notification. Nothing about a person is in them: a lock screen is read by anybody.
 *
 * @property channel how the system's settings name these notifications.
 * @property title the first line.
 * @property body the rest.
 * @property ready the action "connect me".
 * @property snooze the action "in ten minutes".
 * @property otherNumber the action "on another number".
 * @property otherNumberHint what stands in the field for it.
 * @property cancel the action "I no longer need the call".
 */
public data class NotificationWords(
    val channel: String,
    val title: String,
    val body: String,
    val ready: String,
    val snooze: String,
    val otherNumber: String,
    val otherNumberHint: String,
    val cancel: String,
) {
    public companion object {
        /** In this locale's language: English, German, French or Spanish; English for all others. */
        public fun of(locale: Locale = Locale.getDefault()): NotificationWords =
            when (locale.language) {
                "de" -> german
                "fr" -> french
                "es" -> spanish
                else -> english
            }

        private val english =
            NotificationWords(
                channel = "Calls",
                title = "Your agent is ready",
                body = "Tap to say whether you are, too.",
                ready = "Connect me",
                snooze = "In 10 minutes",
                otherNumber = "Another number",
                otherNumberHint = "With country code",
                cancel = "No longer needed",
            )
        private val german =
            NotificationWords(
                channel = "Anrufe",
                title = "Jemand ist jetzt für Sie da",
                body = "Tippen Sie, wenn Sie auch bereit sind.",
                ready = "Verbinden",
                snooze = "In 10 Minuten",
                otherNumber = "Andere Nummer",
                otherNumberHint = "Mit Ländervorwahl",
                cancel = "Nicht mehr nötig",
            )
        private val french =
            NotificationWords(
                channel = "Appels",
                title = "Votre conseiller est prêt",
                body = "Touchez pour dire si vous l’êtes aussi.",
                ready = "Me connecter",
                snooze = "Dans 10 minutes",
                otherNumber = "Autre numéro",
                otherNumberHint = "Avec l’indicatif du pays",
                cancel = "Plus nécessaire",
            )
        private val spanish =
            NotificationWords(
                channel = "Llamadas",
                title = "Su agente está listo",
                body = "Toque para decir si usted también.",
                ready = "Conectar",
                snooze = "En 10 minutos",
                otherNumber = "Otro número",
                otherNumberHint = "Con prefijo del país",
                cancel = "Ya no hace falta",
            )
    }
}
