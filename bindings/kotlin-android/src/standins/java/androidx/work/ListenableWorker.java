package androidx.work;

import android.content.Context;

/** Stand-in. */
public abstract class ListenableWorker {
    private final Context context;

    public ListenableWorker(Context appContext, WorkerParameters workerParams) {
        context = appContext;
    }

    public final Context getApplicationContext() {
        return context;
    }

    public abstract static class Result {
        private static final class Named extends Result {
            private final String name;

            private Named(String name) {
                this.name = name;
            }

            @Override
            public String toString() {
                return name;
            }
        }

        public static Result success() {
            return new Named("success");
        }

        public static Result retry() {
            return new Named("retry");
        }

        public static Result failure() {
            return new Named("failure");
        }
    }
}
