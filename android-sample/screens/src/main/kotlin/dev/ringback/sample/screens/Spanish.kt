package dev.ringback.sample.screens

import dev.ringback.CompletedReason
import dev.ringback.PendingKind
import dev.ringback.WaitStatus

internal object Spanish : Words {
    override val appName = "Ringback"
    override val close = "Cerrar"
    override val back = "Volver"
    override val settings = "Ajustes"

    override val askTitle = "Hable con nosotros sin esperar al teléfono"
    override val askBody = "Le llamamos en cuanto alguien pueda atenderle."
    override val now = "Lo antes posible"
    override val later = "A la hora que yo elija"
    override val number = "Su número de teléfono"
    override val numberHint = "Con el prefijo del país, por ejemplo +34 91 …"
    override val callMe = "Llámenme"
    override val callMeAt = "Llámenme a esa hora"
    override val whenTitle = "¿Cuándo le llamamos?"
    override val noSlots = "No queda ninguna hora libre en los próximos días."
    override val loading = "Buscando…"
    override val callYourself = "Prefiero llamar yo"

    override fun closedUntil(
        day: String,
        time: String,
    ) = "Cerrado hasta el $day, $time"

    override val notOffered = "No es posible en este momento"

    override fun aboutMinutes(minutes: Int) =
        if (minutes <= 1) "En un minuto más o menos" else "En $minutes\u00A0minutos como máximo"

    override fun noNumber(status: WaitStatus) =
        when (status) {
            WaitStatus.NO_AGENTS -> "Ahora mismo no hay nadie"
            WaitStatus.CLOSED -> "Ahora mismo está cerrado"
            else -> "Aún no sabemos cuánto tardará"
        }

    override fun spoken(code: String) =
        when (code) {
            "number_not_e164", "number_invalid" -> "No podemos llamar a este número. Compruébelo, por favor."
            "callback_already_open" -> "Ya está en la fila con este número."
            "slot_full", "slot_closed" -> "Alguien se adelantó. Estas horas siguen libres:"
            "action_token_spent" -> "Usted respondió en otro dispositivo."
            "confirm_expired" -> "Se acabó el tiempo para responder."
            "challenge_required" -> "No pudimos comprobar que usted es una persona."
            else -> null
        }

    override val offline = "Sin conexión"

    override fun offlineAsOf(moment: String) = "Sin conexión. Última actualización:\u00A0$moment."

    override val tryAgain = "Reintentar"
    override val notSentTitle = "Aún sin enviar"
    override val notSentBody =
        "Su solicitud está guardada en este teléfono y saldrá sola en cuanto haya conexión. " +
            "Aún no está en la fila."
    override val lapsedTitle = "No se envió a tiempo"
    override val lapsedBody = "No hubo conexión durante demasiado tiempo. Vuelva a pedirlo, por favor."
    override val sendNow = "Enviar ahora"
    override val forget = "Descartar"

    override fun unsent(kind: PendingKind) =
        when (kind) {
            PendingKind.CANCEL -> "Su anulación aún no se ha enviado."
            PendingKind.CONFIRM -> "Su respuesta aún no se ha enviado."
            PendingKind.RESCHEDULE -> "La nueva hora aún no se ha enviado."
            PendingKind.SNOOZE -> "La pausa aún no se ha enviado."
            PendingKind.CHANGE_NUMBER -> "El nuevo número aún no se ha enviado."
            else -> "Su cambio aún no se ha enviado."
        }

    override fun asOf(moment: String) = "Última actualización:\u00A0$moment"

    override fun asked(time: String) = "Solicitado: $time"

    override val inLine = "Su lugar en la fila"
    override val next = "Su llamada es la siguiente"
    override val waiting = "Está en la fila"
    override val placeUnknown = "Su lugar aparecerá aquí en cuanto lo sepamos."
    override val keepPhoneNear =
        "Puede cerrar la aplicación. Le avisamos cuando un agente esté listo."
    override val rests = "En pausa hasta"
    override val inTenMinutes = "En 10\u00A0minutos"
    override val otherNumber = "Otro número"
    override val otherNumberTitle = "¿A qué número le llamamos?"
    override val asSoonAsPossible = "Lo antes posible"
    override val cancelCall = "Ya no necesito la llamada"
    override val reallyCancel = "¿Renunciar a su lugar?"
    override val reallyCancelBody = "Si vuelve a pedirlo más tarde, empezará al final de la fila."
    override val keepIt = "Conservarlo"
    override val cancelIt = "Renunciar"

    override val promisedTitle = "Le llamaremos"
    override val promisedBody = "Poco antes le preguntaremos si todavía le viene bien."

    override val readyTitle = "Su agente está listo"
    override val readyBody = "¿Y usted?"
    override val ready = "Conectarme"
    override val noLongerNeeded = "Ya no hace falta"

    override fun secondsLeft(seconds: Long) =
        if (seconds == 1L) {
            "Queda 1\u00A0segundo para responder"
        } else {
            "Quedan $seconds\u00A0segundos para responder"
        }

    override fun secondsUnit(seconds: Long) = if (seconds == 1L) "segundo" else "segundos"

    override val connectingTitle = "Le estamos llamando"
    override val connectingBody = "Su teléfono sonará en un momento."
    override val spokenCode = "Quien llama dice esto primero. Si no, cuelgue."
    override val dialTitle = "Llame ahora"
    override val dialBody = "Su agente le espera. El código se marca solo; dice quién es usted."
    override val dial = "Llamar"
    override val code = "Código"
    override val codeBody = "El código dice quién es usted: no tiene que volver a explicar nada."

    override fun codeExpiresIn(time: String) = "Válido durante $time"

    override val codeExpired = "Este código ya no es válido."
    override val newCode = "Nuevo código"
    override val fallbackTitle = "Nuestro propio número"
    override val fallbackBody =
        "No hay conexión para obtener un código. Puede llamar a este número; allí le preguntarán quién es."

    override fun fallbackAsOf(moment: String) = "Última confirmación:\u00A0$moment"

    override val talkingTitle = "Está hablando"
    override val talkingBody = "El agente sabe todo lo que usted nos ha dicho."
    override val done = "Listo"

    override fun over(reason: CompletedReason?) =
        when (reason) {
            CompletedReason.HANDLED -> {
                "Eso fue todo" to "Gracias por hablar con nosotros."
            }

            CompletedReason.CANCELLED_BY_CUSTOMER -> {
                "Solicitud retirada" to "Ya no está en la fila."
            }

            CompletedReason.CANCELLED_BY_STAFF -> {
                "Tuvimos que anularla" to "Lo sentimos. Vuelva a pedirla, por favor."
            }

            CompletedReason.NO_ANSWER -> {
                "No pudimos hablar con usted" to "Puede pedir otra llamada."
            }

            CompletedReason.UNREACHABLE -> {
                "No se puede llamar a su número" to "Compruébelo y vuelva a pedirla, por favor."
            }

            CompletedReason.RESOLVED_BY_INBOUND -> {
                "Usted nos llamó antes" to "No hay nada más que hacer."
            }

            else -> {
                "La llamada no se realizó" to "Puede pedir otra."
            }
        }

    override val name = "Su nombre"
    override val nameHint = "Cómo podemos dirigirnos a usted; opcional"
    override val save = "Guardar"
    override val you = "Usted"
    override val devices = "Dispositivos en los que le avisamos"
    override val devicesBody = "Cuando un agente está listo, le avisamos en estos."
    override val noDevices = "Ninguno. Permita las notificaciones para que podamos preguntarle."
    override val remove = "Quitar"

    override fun registered(day: String) = "Desde el $day"
}
