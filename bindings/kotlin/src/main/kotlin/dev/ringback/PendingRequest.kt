package dev.ringback

/** The server has yet to answer it; otherwise it is listed only to be told of. */
public val PendingRequest.isOpen: Boolean
    get() = state is RequestState.NotSent || state is RequestState.Sending
