package androidx.work;

/** Stand-in. */
public enum BackoffPolicy { EXPONENTIAL, LINEAR }
