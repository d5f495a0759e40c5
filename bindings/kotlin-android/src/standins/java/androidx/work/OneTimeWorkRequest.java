package androidx.work;

import java.util.concurrent.TimeUnit;

/** Stand-in. */
public final class OneTimeWorkRequest {
    public final Class<? extends ListenableWorker> worker;
    public final Constraints constraints;

    private OneTimeWorkRequest(Class<? extends ListenableWorker> worker, Constraints constraints) {
        this.worker = worker;
        this.constraints = constraints;
    }

    public static final class Builder {
        private final Class<? extends ListenableWorker> worker;
        private Constraints constraints;

        public Builder(Class<? extends ListenableWorker> workerClass) {
            worker = workerClass;
        }

        public Builder setConstraints(Constraints constraints) {
            this.constraints = constraints;
            return this;
        }

        public Builder setBackoffCriteria(BackoffPolicy backoffPolicy, long backoffDelay, TimeUnit timeUnit) {
            return this;
        }

        public OneTimeWorkRequest build() {
            return new OneTimeWorkRequest(worker, constraints);
        }
    }
}
