package dev.ringback

import java.io.IOException
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.nio.file.FileSystems
import java.nio.file.Files
import java.nio.file.NoSuchFileException
import java.nio.file.Path
import java.nio.file.StandardCopyOption.ATOMIC_MOVE
import java.nio.file.StandardCopyOption.REPLACE_EXISTING
import java.nio.file.StandardOpenOption.WRITE
import java.nio.file.attribute.FileAttribute
import java.nio.file.attribute.PosixFilePermissions.asFileAttribute
import java.nio.file.attribute.PosixFilePermissions.fromString

/**
 * Secrets as files that only the app's user can read, for desktops and servers.
 *
 * @param folder a folder of this app alone; made when it is missing.
 */
public class FileStore(
    private val folder: Path,
) : SecureStore {
    override fun get(key: String): String? =
        orFailed {
            try {
                Files.readString(file(key))
            } catch (_: NoSuchFileException) {
                null
            }
        }

    override fun put(
        key: String,
        value: String,
    ): Unit =
        orFailed {
            Files.createDirectories(folder, *ownerOnly("rwx------"))
            val partial = Files.createTempFile(folder, "partial-", null, *ownerOnly("rw-------"))
            try {
                FileChannel.open(partial, WRITE).use { channel ->
                    val bytes = ByteBuffer.wrap(value.toByteArray())
                    while (bytes.hasRemaining()) channel.write(bytes)
                    channel.force(true)
                }
                // Readers see the old value or the new one, whatever happens in between.
                Files.move(partial, file(key), ATOMIC_MOVE, REPLACE_EXISTING)
            } finally {
                Files.deleteIfExists(partial)
            }
        }

    override fun delete(key: String): Unit =
        orFailed {
            Files.deleteIfExists(file(key))
            Unit
        }

    // In hexadecimal, so that no key can name a file elsewhere.
    private fun file(key: String): Path =
        folder.resolve(key.toByteArray().joinToString("") { "%02x".format(it) })

    private fun ownerOnly(permissions: String): Array<FileAttribute<*>> =
        if ("posix" in FileSystems.getDefault().supportedFileAttributeViews()) {
            arrayOf(asFileAttribute(fromString(permissions)))
        } else {
            emptyArray()
        }

    private fun <T> orFailed(work: () -> T): T =
        try {
            work()
        } catch (_: IOException) {
            throw HostException.Failed()
        }
}
