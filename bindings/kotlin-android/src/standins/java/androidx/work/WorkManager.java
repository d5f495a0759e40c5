package androidx.work;

import android.content.Context;
import java.util.ArrayList;
import java.util.List;

/** Stand-in: remembers what it is given. */
public abstract class WorkManager {
    public static final List<OneTimeWorkRequest> ENQUEUED = new ArrayList<>();

    private static final class Remembering extends WorkManager {}

    public static WorkManager getInstance(Context context) {
        return new Remembering();
    }

    public Operation enqueueUniqueWork(String name, ExistingWorkPolicy policy, OneTimeWorkRequest work) {
        ENQUEUED.add(work);
        return new Operation() {};
    }
}
