package dev.ringback.sample.screens

import dev.ringback.ScheduledTime
import dev.ringback.Slot
import dev.ringback.WaitEstimate
import java.time.Duration
import java.time.Instant
import java.time.LocalDate
import java.time.LocalDateTime
import java.time.ZoneId
import java.time.format.DateTimeFormatter
import java.time.format.FormatStyle
import java.util.Locale

/** Times as this person reads them. */
class Clock(
    private val zone: ZoneId,
    locale: Locale,
) {
    private val time = DateTimeFormatter.ofLocalizedTime(FormatStyle.SHORT).withLocale(locale)
    private val weekday = DateTimeFormatter.ofPattern("EEE", locale)
    private val dayOfMonth = DateTimeFormatter.ofPattern("d", locale)

    private val longDay = DateTimeFormatter.ofPattern(locale.weekdayPattern + locale.datePattern, locale)
    private val date = DateTimeFormatter.ofPattern(locale.datePattern, locale)

    fun time(at: Instant): String = time.format(at.atZone(zone))

    fun day(at: Instant): String = longDay.format(at.atZone(zone))

    /** Without the day of the week. */
    fun date(at: Instant): String = date.format(at.atZone(zone))

    /** What the person saw on the wall when they chose. */
    fun time(chosen: ScheduledTime): String = time.format(LocalDateTime.parse(chosen.local))

    fun day(chosen: ScheduledTime): String = longDay.format(LocalDateTime.parse(chosen.local))

    fun day(day: LocalDate): String = longDay.format(day)

    fun time(slot: Slot): String = time.format(LocalDateTime.parse(slot.wallTime.local))

    fun weekday(day: LocalDate): String = weekday.format(day)

    fun dayOfMonth(day: LocalDate): String = dayOfMonth.format(day)

    /** Whether it is today, so that the day need not be said. */
    fun isToday(
        at: Instant,
        now: Instant,
    ): Boolean = at.atZone(zone).toLocalDate() == now.atZone(zone).toLocalDate()

    /** The time, and the day if it is not today. */
    fun moment(
        at: Instant,
        now: Instant,
    ): String = if (isToday(at, now)) time(at) else "${day(at)}, ${time(at)}"
}

private val Locale.weekdayPattern: String get() = if (language == "fr") "EEEE " else "EEEE, "

/** The day stays beside its month. */
private val Locale.datePattern: String
    get() =
        when {
            language == "de" -> "d.\u00A0MMMM"
            language == "es" -> "d\u00A0'de'\u00A0MMMM"
            country == "US" -> "MMMM\u00A0d"
            else -> "d\u00A0MMMM"
        }

internal val Slot.day: LocalDate get() = LocalDateTime.parse(wallTime.local).toLocalDate()

/** Minutes to show for a wait: rounded up, for who is called earlier is glad. */
internal val WaitEstimate.minutes: Int? get() = p90S?.let { (it.toInt() + 59) / 60 }

/** `9:05`. */
internal fun Duration.asClock(): String = "%d:%02d".format(toMinutes(), toSecondsPart())

/** A number in groups, so that it can be read out. */
internal fun grouped(number: String): String =
    if (number.length < 7) {
        number
    } else {
        number.take(3) +
            groups(number.drop(3)).let { groups ->
                // Where it does not fit in a line, it breaks once.
                " " + groups.first() + " " + groups.drop(1).joinToString("\u00A0")
            }
    }

/** By threes, and none left alone. */
private fun groups(digits: String): List<String> =
    when {
        digits.length <= 3 -> listOf(digits)
        digits.length == 4 -> digits.chunked(2)
        else -> listOf(digits.take(3)) + groups(digits.drop(3))
    }
