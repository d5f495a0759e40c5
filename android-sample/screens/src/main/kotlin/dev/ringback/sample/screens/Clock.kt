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

    // The day stays beside its month.
    private val longDay =
        DateTimeFormatter.ofPattern(
            if (locale.language ==
                "de"
            ) {
                "EEEE, d.\u00A0MMMM"
            } else {
                "EEEE, d\u00A0MMMM"
            },
            locale,
        )

    fun time(at: Instant): String = time.format(at.atZone(zone))

    fun day(at: Instant): String = longDay.format(at.atZone(zone))

    /** What the person saw on the wall when they chose. */
    fun time(chosen: ScheduledTime): String = time.format(LocalDateTime.parse(chosen.local))

    fun day(chosen: ScheduledTime): String = longDay.format(LocalDateTime.parse(chosen.local))

    fun time(slot: Slot): String = time.format(LocalDateTime.parse(slot.wallTime.local))

    fun weekday(day: LocalDate): String = weekday.format(day)

    fun dayOfMonth(day: LocalDate): String = dayOfMonth.format(day)

    /** Whether it is today, so that the day need not be said. */
    fun isToday(
        at: Instant,
        now: Instant,
    ): Boolean = at.atZone(zone).toLocalDate() == now.atZone(zone).toLocalDate()
}

internal val Slot.day: LocalDate get() = LocalDateTime.parse(wallTime.local).toLocalDate()

/** Minutes to show for a wait: rounded up, for who is called earlier is glad. */
internal val WaitEstimate.minutes: Int? get() = p90S?.let { (it.toInt() + 59) / 60 }

/** `9:05`. */
internal fun Duration.asClock(): String = "%d:%02d".format(toMinutes(), toSecondsPart())

/** A number in groups, so that it can be read out. */
internal fun grouped(number: String): String =
    if (number.length < 7) number else number.take(3) + " " + groups(number.drop(3)).joinToString(" ")

/** By threes, and none left alone. */
private fun groups(digits: String): List<String> =
    when {
        digits.length <= 3 -> listOf(digits)
        digits.length == 4 -> digits.chunked(2)
        else -> listOf(digits.take(3)) + groups(digits.drop(3))
    }
