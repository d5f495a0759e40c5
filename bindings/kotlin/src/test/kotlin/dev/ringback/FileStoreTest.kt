package dev.ringback

import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.attribute.PosixFilePermissions
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.writeText
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull

class FileStoreTest {
    @Test
    fun `what is put is there after a restart, until it is deleted`(
        @TempDir folder: Path,
    ) {
        val keys = listOf("installation", "../installation", "ключ")
        keys.forEach { FileStore(folder).put(it, "first") }
        keys.forEach { FileStore(folder).put(it, "of $it\n") }
        keys.forEach { assertEquals("of $it\n", FileStore(folder).get(it)) }
        assertEquals(keys.size, folder.listDirectoryEntries().size)
        FileStore(folder).delete("installation")
        FileStore(folder).delete("installation")
        assertNull(FileStore(folder).get("installation"))
    }

    @Test
    fun `only the user can read it`(
        @TempDir folder: Path,
    ) {
        val secrets = folder.resolve("secrets")
        FileStore(secrets).put("installation", "secret")
        val modes = secrets.listDirectoryEntries().plusElement(secrets).map(Files::getPosixFilePermissions)
        assertEquals(listOf("rw-------", "rwx------"), modes.map(PosixFilePermissions::toString))
    }

    @Test
    fun `a folder that cannot be made is a failure the core understands`(
        @TempDir folder: Path,
    ) {
        val file = folder.resolve("file").apply { writeText("in the way") }
        assertFailsWith<HostException.Failed> { FileStore(file).put("installation", "secret") }
    }
}
