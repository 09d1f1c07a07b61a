using LeadPipeline.Worker.Storage.Sql;
using Microsoft.Data.Sqlite;

namespace LeadPipeline.Worker.Tests.Storage;

/// <summary>Rows go in by the native interface, and are read by the library and by EF Core: each value has to lie there as these would have written it.</summary>
[TestFixture]
public sealed class SqliteStatementTests
{
    private SqliteConnection connection = null!;

    [SetUp]
    public void Open()
    {
        connection = new SqliteConnection("Data Source=:memory:");
        connection.Open();
        Do("CREATE TABLE rows (id INTEGER PRIMARY KEY, value, needed TEXT NOT NULL DEFAULT 'x', link INTEGER REFERENCES rows (id)); PRAGMA foreign_keys = ON");
    }

    [TearDown]
    public void Close() => connection.Dispose();

    private static IEnumerable<TestCaseData> Values()
    {
        yield return new TestCaseData(null).SetArgDisplayNames("nothing");
        yield return new TestCaseData("").SetArgDisplayNames("no text, which is not nothing");
        yield return new TestCaseData("Zoë \U0001F600").SetArgDisplayNames("text of several bytes a character");
        yield return new TestCaseData("a\0b").SetArgDisplayNames("text with a NUL in it");
        yield return new TestCaseData(new string('é', 170)).SetArgDisplayNames("the longest text that surely fits the stack");
        yield return new TestCaseData(new string('é', 171)).SetArgDisplayNames("the shortest that does not");
        yield return new TestCaseData(new string('x', 100_000)).SetArgDisplayNames("a long text");
        yield return new TestCaseData(Array.Empty<byte>()).SetArgDisplayNames("no bytes, which are not nothing");
        yield return new TestCaseData(new byte[] { 0, 1, 255 }).SetArgDisplayNames("bytes");
        yield return new TestCaseData(int.MinValue).SetArgDisplayNames("a number");
        yield return new TestCaseData(long.MaxValue).SetArgDisplayNames("a large number");
        yield return new TestCaseData(true).SetArgDisplayNames("yes");
        yield return new TestCaseData(false).SetArgDisplayNames("no");
    }

    [TestCaseSource(nameof(Values))]
    public void Should_store_what_the_library_stores(object? value)
    {
        using var statement = new SqliteStatement(connection, "INSERT INTO rows (id, value) VALUES (?1, ?2)");
        using var command = connection.CreateCommand();
        command.CommandText = "INSERT INTO rows (id, value) VALUES (2, @value)";
        command.Parameters.AddWithValue("@value", value ?? DBNull.Value);

        Assert.That(statement.Run([1, value]), Is.EqualTo(1));
        _ = command.ExecuteNonQuery();

        Assert.That(Ask("SELECT COUNT(*) FROM rows a, rows b WHERE a.id = 1 AND b.id = 2 AND a.value IS b.value AND typeof(a.value) = typeof(b.value)"), Is.EqualTo(1L));
    }

    [Test]
    public void Should_store_ids_and_times_as_EF_Core_does()
    {
        var id = Guid.Parse("0f8fad5b-d9cb-469f-a165-70867728950e");
        var time = new DateTimeOffset(2026, 11, 23, 10, 0, 0, TimeSpan.FromHours(2));
        using var statement = new SqliteStatement(connection, "INSERT INTO rows (id, value, needed) VALUES (1, ?2, ?1)");

        _ = statement.Run([id, time]);

        Assert.That(Ask("SELECT needed || ' ' || value FROM rows"), Is.EqualTo($"0F8FAD5B-D9CB-469F-A165-70867728950E {time.UtcTicks}"));
    }

    [Test]
    public void Should_tell_how_many_rows_changed()
    {
        using var insert = new SqliteStatement(connection, "INSERT INTO rows (id) VALUES (?1) ON CONFLICT DO NOTHING");
        using var update = new SqliteStatement(connection, "UPDATE rows SET value = ?2 WHERE id = ?1");

        Assert.That(new[] { insert.Run([1]), insert.Run([1]), insert.Run([2]), update.Run([2, "x"]), update.Run([3, "x"]) }, Is.EqualTo(new[] { 1, 0, 1, 1, 0 }));
    }

    [Test]
    public void Should_say_what_SQLite_refuses_and_go_on()
    {
        using var statement = new SqliteStatement(connection, "INSERT INTO rows (id, needed, link) VALUES (?1, ?2, ?3)");

        var missing = Assert.Throws<SqliteException>(() => statement.Run([1, null, null]));
        var broken = Assert.Throws<SqliteException>(() => statement.Run([1, "x", 99]));

        Assert.Multiple(() =>
        {
            Assert.That((missing.SqliteErrorCode, missing.SqliteExtendedErrorCode), Is.EqualTo((19, 1299)), "NOT NULL");
            Assert.That((broken.SqliteErrorCode, broken.SqliteExtendedErrorCode), Is.EqualTo((19, 787)), "a link that leads nowhere");
            Assert.That(statement.Run([1, "x", 1]), Is.EqualTo(1));
            Assert.That(Ask("SELECT COUNT(*) FROM rows"), Is.EqualTo(1L));
        });
    }

    [Test]
    public void Should_refuse_a_value_that_no_column_has()
    {
        using var statement = new SqliteStatement(connection, "INSERT INTO rows (id, value) VALUES (1, ?1)");

        Assert.That(() => statement.Run([1.5m]), Throws.ArgumentException.With.Message.Contains("Decimal"));
    }

    [Test]
    public void Should_refuse_a_statement_that_is_none()
    {
        Assert.That(() => new SqliteStatement(connection, "INSERT INTO nowhere VALUES (?1)"), Throws.TypeOf<SqliteException>().With.Message.Contains("nowhere"));
    }

    private void Do(string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        _ = command.ExecuteNonQuery();
    }

    private object? Ask(string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
