using LeadPipeline.Worker.Storage.Sql;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace LeadPipeline.Worker.Tests.Storage;

/// <summary>What a database says that means "not now", and what means "never".</summary>
[TestFixture]
public sealed class SqlDatabaseTests
{
    [TestCase("57P01", "the server is shut down")]
    [TestCase("57P03", "it is starting up")]
    [TestCase("53300", "it has no connection left")]
    [TestCase("40001", "another transaction was faster")]
    [TestCase("08006", "the connection is lost")]
    [TestCase("28P01", "the password is being exchanged")]
    [TestCase("3D000", "the database is dropped for a restore")]
    [TestCase("55000", "the database takes no connections")]
    [TestCase("25006", "the server is a replica by now, or its disk is full")]
    public async Task Should_wait_for_PostgreSQL_when(string code, string why)
    {
        await using var source = NpgsqlDataSource.Create("Host=nowhere.invalid");
        await using var database = new PostgresDatabase(source, source.ConnectionString);

        Assert.That(database.IsTransient(new PostgresException(why, "FATAL", "FATAL", code)), Is.True, why);
    }

    [TestCase("23505", "a unique value is there")]
    [TestCase("23503", "a link leads nowhere")]
    [TestCase("22P05", "a text holds what it cannot")]
    [TestCase("42601", "the statement is wrong")]
    [TestCase("P0001", "a trigger refuses it")]
    public async Task Should_take_PostgreSQL_at_its_word_when(string code, string why)
    {
        await using var source = NpgsqlDataSource.Create("Host=nowhere.invalid");
        await using var database = new PostgresDatabase(source, source.ConnectionString);

        Assert.That(database.IsTransient(new PostgresException(why, "ERROR", "ERROR", code)), Is.False, why);
    }

    [TestCase(5, true, "busy")]
    [TestCase(8, true, "read-only")]
    [TestCase(13, true, "disk full")]
    [TestCase(14, true, "cannot be opened")]
    [TestCase(1, false, "wrong statement")]
    [TestCase(11, false, "the file is damaged")]
    [TestCase(19, false, "a constraint")]
    public async Task Should_tell_not_now_from_never_on_SQLite(int code, bool transient, string why)
    {
        await using var database = new SqliteDatabase("Data Source=:memory:");

        Assert.That(database.IsTransient(new SqliteException(why, code)), Is.EqualTo(transient), why);
    }
}
