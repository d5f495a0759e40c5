package androidx.work;

/** Stand-in. */
public interface Operation {}
