package dev.ringback.sample.screens

import dev.ringback.CompletedReason
import dev.ringback.PendingKind
import dev.ringback.WaitStatus

internal object German : Words {
    override val appName = "Ringback"
    override val close = "Schließen"
    override val back = "Zurück"
    override val settings = "Einstellungen"

    override val askTitle = "Mit uns sprechen, ohne zu warten"
    override val askBody = "Wir rufen Sie an, sobald jemand Zeit für Sie hat."
    override val now = "So bald wie möglich"
    override val later = "Zu einer Zeit, die ich wähle"
    override val number = "Ihre Telefonnummer"
    override val numberHint = "Mit Ländervorwahl, zum Beispiel +49 30 …"
    override val callMe = "Rufen Sie mich an"
    override val callMeAt = "Rufen Sie mich dann an"
    override val whenTitle = "Wann dürfen wir anrufen?"
    override val noSlots = "In den nächsten Tagen ist keine Zeit mehr frei."
    override val loading = "Wird nachgesehen …"
    override val callYourself = "Ich rufe lieber selbst an"

    override fun closedUntil(
        day: String,
        time: String,
    ) = "Geschlossen bis $day, $time"

    override val notOffered = "Im Augenblick nicht möglich"

    override fun aboutMinutes(minutes: Int) =
        if (minutes <= 1) "In etwa einer Minute" else "In höchstens $minutes\u00A0Minuten"

    override fun noNumber(status: WaitStatus) =
        when (status) {
            WaitStatus.NO_AGENTS -> "Gerade ist niemand da"
            WaitStatus.CLOSED -> "Gerade geschlossen"
            else -> "Wie lange es dauert, lässt sich noch nicht sagen"
        }

    override fun spoken(code: String) =
        when (code) {
            "number_not_e164", "number_invalid" -> {
                "Diese Nummer können wir nicht anrufen. Bitte prüfen Sie sie."
            }

            "callback_already_open" -> {
                "Mit dieser Nummer stehen Sie schon in der Reihe."
            }

            "slot_full", "slot_closed" -> {
                "Jemand war schneller. Diese Zeiten sind noch frei:"
            }

            "action_token_spent" -> {
                "Sie haben auf einem anderen Gerät geantwortet."
            }

            "confirm_expired" -> {
                "Die Zeit zum Antworten ist vorbei."
            }

            "challenge_required" -> {
                "Wir konnten nicht feststellen, dass Sie ein Mensch sind."
            }

            else -> {
                null
            }
        }

    override val offline = "Keine Verbindung"

    override fun offlineAsOf(moment: String) = "Keine Verbindung. Stand $moment; es kann sich geändert haben."

    override val tryAgain = "Erneut versuchen"
    override val notSentTitle = "Noch nicht gesendet"
    override val notSentBody =
        "Ihr Wunsch liegt auf diesem Telefon und geht von selbst hinaus, sobald es eine Verbindung gibt. " +
            "Sie stehen noch nicht in der Reihe."
    override val lapsedTitle = "Nicht rechtzeitig gesendet"
    override val lapsedBody = "Zu lange gab es keine Verbindung. Bitte fragen Sie noch einmal."
    override val sendNow = "Jetzt senden"
    override val forget = "Verwerfen"

    override fun unsent(kind: PendingKind) =
        when (kind) {
            PendingKind.CANCEL -> "Ihre Absage ist noch nicht gesendet."
            PendingKind.CONFIRM -> "Ihre Antwort ist noch nicht gesendet."
            PendingKind.RESCHEDULE -> "Die neue Zeit ist noch nicht gesendet."
            PendingKind.SNOOZE -> "Die Pause ist noch nicht gesendet."
            PendingKind.CHANGE_NUMBER -> "Die neue Nummer ist noch nicht gesendet."
            else -> "Ihre Änderung ist noch nicht gesendet."
        }

    override fun asOf(moment: String) = "Stand $moment"

    override fun asked(time: String) = "Gewünscht um $time"

    override val inLine = "Ihr Platz in der Reihe"
    override val next = "Sie sind als Nächstes dran"
    override val waiting = "Sie stehen in der Reihe"
    override val placeUnknown = "Ihr Platz erscheint hier, sobald wir ihn kennen."
    override val keepPhoneNear = "Sie können die App schließen. Wir melden uns, sobald jemand für Sie da ist."
    override val rests = "Sie pausieren bis"
    override val inTenMinutes = "In 10 Minuten"
    override val otherNumber = "Andere Nummer"
    override val otherNumberTitle = "Welche Nummer sollen wir anrufen?"
    override val asSoonAsPossible = "So bald wie möglich"
    override val cancelCall = "Ich brauche den Anruf nicht mehr"
    override val reallyCancel = "Platz in der Reihe aufgeben?"
    override val reallyCancelBody = "Wenn Sie später wieder fragen, stellen Sie sich hinten an."
    override val keepIt = "Behalten"
    override val cancelIt = "Aufgeben"

    override val promisedTitle = "Wir rufen Sie an"
    override val promisedBody = "Kurz vorher fragen wir, ob es Ihnen noch passt."

    override val readyTitle = "Jemand ist jetzt für Sie da"
    override val readyBody = "Sind Sie auch bereit?"
    override val ready = "Jetzt verbinden"
    override val noLongerNeeded = "Nicht mehr nötig"

    override fun secondsLeft(seconds: Long) =
        if (seconds == 1L) "Noch 1 Sekunde zum Antworten" else "Noch $seconds Sekunden zum Antworten"

    override fun secondsUnit(seconds: Long) = if (seconds == 1L) "Sekunde" else "Sekunden"

    override val connectingTitle = "Wir rufen Sie an"
    override val connectingBody = "Ihr Telefon klingelt gleich."
    override val spokenCode = "Wer anruft, nennt das zuerst. Sonst legen Sie auf."
    override val dialTitle = "Rufen Sie jetzt an"
    override val dialBody =
        "Ihr Gegenüber wartet schon. Der Code wird für Sie gewählt; er sagt, wer Sie sind."
    override val dial = "Anrufen"
    override val code = "Code"
    override val codeBody = "Der Code sagt, wer Sie sind: Sie müssen nichts noch einmal erklären."

    override fun codeExpiresIn(time: String) = "Noch $time gültig"

    override val codeExpired = "Dieser Code gilt nicht mehr."
    override val newCode = "Neuer Code"
    override val fallbackTitle = "Unsere eigene Nummer"
    override val fallbackBody =
        "Für einen Code fehlt die Verbindung. Sie können diese Nummer anrufen; dort fragt man, wer Sie sind."

    override fun fallbackAsOf(moment: String) = "Zuletzt bestätigt: $moment"

    override val talkingTitle = "Sie sprechen gerade"
    override val talkingBody = "Ihr Gegenüber weiß alles, was Sie uns gesagt haben."
    override val done = "Fertig"

    override fun over(reason: CompletedReason?) =
        when (reason) {
            CompletedReason.HANDLED -> {
                "Das war es" to "Danke für das Gespräch."
            }

            CompletedReason.CANCELLED_BY_CUSTOMER -> {
                "Zurückgenommen" to "Sie stehen nicht mehr in der Reihe."
            }

            CompletedReason.CANCELLED_BY_STAFF -> {
                "Wir mussten absagen" to "Das tut uns leid. Bitte fragen Sie noch einmal."
            }

            CompletedReason.NO_ANSWER -> {
                "Wir haben Sie nicht erreicht" to "Sie können einen neuen Anruf wünschen."
            }

            CompletedReason.UNREACHABLE -> {
                "Ihre Nummer ist nicht erreichbar" to "Bitte prüfen Sie sie und fragen Sie noch einmal."
            }

            CompletedReason.RESOLVED_BY_INBOUND -> {
                "Sie haben uns angerufen" to "Es ist nichts mehr zu tun."
            }

            else -> {
                "Der Anruf kam nicht zustande" to "Sie können einen neuen wünschen."
            }
        }

    override val name = "Ihr Name"
    override val nameHint = "Wie wir Sie ansprechen dürfen; freiwillig"
    override val save = "Speichern"
    override val you = "Sie"
    override val devices = "Geräte, auf denen wir fragen"
    override val devicesBody = "Wenn jemand für Sie da ist, fragen wir Sie auf diesen Geräten."
    override val noDevices = "Keine. Erlauben Sie Mitteilungen, damit wir Sie fragen können."
    override val remove = "Entfernen"

    override fun registered(day: String) = "Seit $day"
}
