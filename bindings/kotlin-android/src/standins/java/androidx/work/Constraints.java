package androidx.work;

/** Stand-in. */
public final class Constraints {
    private final NetworkType requiredNetworkType;

    private Constraints(NetworkType requiredNetworkType) {
        this.requiredNetworkType = requiredNetworkType;
    }

    public NetworkType getRequiredNetworkType() {
        return requiredNetworkType;
    }

    public static final class Builder {
        private NetworkType type = NetworkType.NOT_REQUIRED;

        public Builder setRequiredNetworkType(NetworkType networkType) {
            type = networkType;
            return this;
        }

        public Constraints build() {
            return new Constraints(type);
        }
    }
}
