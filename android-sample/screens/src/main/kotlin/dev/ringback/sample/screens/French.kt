package dev.ringback.sample.screens

import dev.ringback.CompletedReason
import dev.ringback.PendingKind
import dev.ringback.WaitStatus

/** Before `:` `;` `!` `?` stands a narrow no-break space (U+202F). */
internal object French : Words {
    override val appName = "Ringback"
    override val close = "Fermer"
    override val back = "Retour"
    override val settings = "Paramètres"

    override val askTitle = "Nous parler sans attendre au bout du fil"
    override val askBody = "Nous vous appelons dès que quelqu’un est disponible pour vous."
    override val now = "Dès que possible"
    override val later = "À l’heure de mon choix"
    override val number = "Votre numéro de téléphone"
    override val numberHint = "Avec l’indicatif du pays, par exemple +33 1 …"
    override val callMe = "Appelez-moi"
    override val callMeAt = "Appelez-moi à cette heure"
    override val whenTitle = "Quand pouvons-nous vous appeler\u202F?"
    override val noSlots = "Aucune heure n’est libre dans les prochains jours."
    override val loading = "Recherche…"
    override val callYourself = "Je préfère vous appeler"

    override fun closedUntil(
        day: String,
        time: String,
    ) = "Fermé jusqu’au $day, $time"

    override val notOffered = "Impossible pour le moment"

    override fun aboutMinutes(minutes: Int) =
        if (minutes <= 1) "Dans environ une minute" else "Dans $minutes\u00A0minutes au plus"

    override fun noNumber(status: WaitStatus) =
        when (status) {
            WaitStatus.NO_AGENTS -> "Personne n’est disponible pour le moment"
            WaitStatus.CLOSED -> "Fermé pour le moment"
            else -> "Le temps d’attente n’est pas encore connu"
        }

    override fun spoken(code: String) =
        when (code) {
            "number_not_e164", "number_invalid" -> {
                "Nous ne pouvons pas appeler ce numéro. Veuillez le vérifier."
            }

            "callback_already_open" -> {
                "Vous êtes déjà dans la file avec ce numéro."
            }

            "slot_full", "slot_closed" -> {
                "Quelqu’un a été plus rapide. Ces heures sont encore libres\u202F:"
            }

            "action_token_spent" -> {
                "Vous avez répondu sur un autre appareil."
            }

            "confirm_expired" -> {
                "Le temps pour répondre est écoulé."
            }

            "challenge_required" -> {
                "Nous n’avons pas pu vérifier que vous êtes une personne."
            }

            else -> {
                null
            }
        }

    override val offline = "Pas de connexion"

    override fun offlineAsOf(moment: String) = "Pas de connexion. Dernière mise à jour\u202F:\u00A0$moment."

    override val tryAgain = "Réessayer"
    override val notSentTitle = "Pas encore envoyé"
    override val notSentBody =
        "Votre demande est gardée sur ce téléphone et partira d’elle-même dès qu’il y aura une connexion. " +
            "Vous n’êtes pas encore dans la file."
    override val lapsedTitle = "Pas envoyé à temps"
    override val lapsedBody =
        "Il n’y a pas eu de connexion pendant trop longtemps. Veuillez refaire votre demande."
    override val sendNow = "Envoyer maintenant"
    override val forget = "Abandonner la demande"

    override fun unsent(kind: PendingKind) =
        when (kind) {
            PendingKind.CANCEL -> "Votre annulation n’est pas encore envoyée."
            PendingKind.CONFIRM -> "Votre réponse n’est pas encore envoyée."
            PendingKind.RESCHEDULE -> "La nouvelle heure n’est pas encore envoyée."
            PendingKind.SNOOZE -> "La pause n’est pas encore envoyée."
            PendingKind.CHANGE_NUMBER -> "Le nouveau numéro n’est pas encore envoyé."
            else -> "Votre modification n’est pas encore envoyée."
        }

    override fun asOf(moment: String) = "Dernière mise à jour\u202F:\u00A0$moment"

    override fun asked(time: String) = "Demandé à $time"

    override val inLine = "Votre place dans la file"
    override val next = "Votre appel est le suivant"
    override val waiting = "Vous êtes dans la file"
    override val placeUnknown = "Votre place s’affichera ici dès que nous la connaîtrons."
    override val keepPhoneNear =
        "Vous pouvez fermer l’application. Nous vous prévenons dès qu’un conseiller est prêt."
    override val rests = "En pause jusqu’à"
    override val inTenMinutes = "Dans 10\u00A0minutes"
    override val otherNumber = "Autre numéro"
    override val otherNumberTitle = "Quel numéro devons-nous appeler\u202F?"
    override val asSoonAsPossible = "Dès que possible"
    override val cancelCall = "Je n’ai plus besoin de l’appel"
    override val reallyCancel = "Renoncer à votre place\u202F?"
    override val reallyCancelBody =
        "Si vous refaites une demande plus tard, vous recommencerez en fin de file."
    override val keepIt = "La garder"
    override val cancelIt = "Y renoncer"

    override val promisedTitle = "Nous vous appellerons"
    override val promisedBody = "Peu avant, nous vous demanderons si cela vous convient toujours."

    override val readyTitle = "Votre conseiller est prêt"
    override val readyBody = "Et vous\u202F?"
    override val ready = "Me mettre en relation"
    override val noLongerNeeded = "Ce n’est plus nécessaire"

    override fun secondsLeft(seconds: Long) =
        if (seconds <= 1L) {
            "Il reste $seconds\u00A0seconde pour répondre"
        } else {
            "Il reste $seconds\u00A0secondes pour répondre"
        }

    override fun secondsUnit(seconds: Long) = if (seconds <= 1L) "seconde" else "secondes"

    override val connectingTitle = "Nous vous appelons"
    override val connectingBody = "Votre téléphone va sonner dans un instant."
    override val spokenCode = "La personne qui appelle dit d’abord ce code. Sinon, raccrochez."
    override val dialTitle = "Appelez maintenant"
    override val dialBody =
        "Votre conseiller vous attend. Le code est composé pour vous\u202F; il dit qui vous êtes."
    override val dial = "Appeler"
    override val code = "Code"
    override val codeBody = "Le code dit qui vous êtes\u202F: vous n’avez rien à expliquer de nouveau."

    override fun codeExpiresIn(time: String) = "Valable encore $time"

    override val codeExpired = "Ce code n’est plus valable."
    override val newCode = "Nouveau code"
    override val fallbackTitle = "Notre propre numéro"
    override val fallbackBody =
        "Il n’y a pas de connexion pour obtenir un code. Vous pouvez appeler ce numéro\u202F; " +
            "on vous demandera qui vous êtes."

    override fun fallbackAsOf(moment: String) = "Dernière confirmation\u202F:\u00A0$moment"

    override val talkingTitle = "Vous êtes en ligne"
    override val talkingBody = "Votre conseiller sait tout ce que vous nous avez indiqué."
    override val done = "Terminé"

    override fun over(reason: CompletedReason?) =
        when (reason) {
            CompletedReason.HANDLED -> {
                "C’est terminé" to "Merci de nous avoir parlé."
            }

            CompletedReason.CANCELLED_BY_CUSTOMER -> {
                "Demande retirée" to "Vous n’êtes plus dans la file."
            }

            CompletedReason.CANCELLED_BY_STAFF -> {
                "Nous avons dû annuler" to "Nous en sommes désolés. Veuillez refaire votre demande."
            }

            CompletedReason.NO_ANSWER -> {
                "Nous n’avons pas pu vous joindre" to "Vous pouvez demander un autre appel."
            }

            CompletedReason.UNREACHABLE -> {
                "Votre numéro est injoignable" to "Veuillez le vérifier et refaire votre demande."
            }

            CompletedReason.RESOLVED_BY_INBOUND -> {
                "Vous nous avez appelés" to "Il n’y a plus rien à faire."
            }

            else -> {
                "L’appel n’a pas eu lieu" to "Vous pouvez en demander un autre."
            }
        }

    override val name = "Votre nom"
    override val nameHint = "Comment nous pouvons vous appeler\u202F; facultatif"
    override val save = "Enregistrer"
    override val you = "Vous"
    override val devices = "Appareils sur lesquels nous vous prévenons"
    override val devicesBody = "Quand un conseiller est prêt, nous vous prévenons sur ces appareils."
    override val noDevices = "Aucun. Autorisez les notifications pour que nous puissions vous prévenir."
    override val remove = "Retirer"

    override fun registered(day: String) = "Depuis le $day"
}
