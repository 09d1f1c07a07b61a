using System.Diagnostics;

namespace LeadPipeline.Chaos.Tests;

/// <summary>In the same words as the worker: <c>ConnectionStrings__Database</c> or <c>DATABASE_URL</c>.</summary>
[Category("Integration")]
public sealed class When_scripts_are_told_where_the_database_is
{
    private static readonly string[] Variables = ["PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSSLMODE"];

    [TestCase("postgresql://us%40er:p%3B%2F%5C%25x'@[::1]:5433/le%20ads?sslmode=verify-full", @"::1|5433|us@er|p;/\%x'|le ads|verify-full")]
    [TestCase("postgres://someone@db/leads", "db|5432|someone||leads|")]
    [TestCase("POSTGRES://db", "db|5432||||")]
    [TestCase("Host=db;Port=5433;Username=someone;Password=secret;Database=leads;SSL Mode=VerifyFull", "db|5433|someone|secret|leads|verify-full")]
    [TestCase("server = db ; user id = someone ; password = a b ; SslMode = VerifyCA;", "db||someone|a b||verify-ca")]
    [TestCase("Host=db;Password='a;Host=elsewhere;''b\"';Database=leads;SSL Mode=Require", "db|||a;Host=elsewhere;'b\"|leads|require")]
    [TestCase("Host=db;Password=\"a;b\"\"c'=d\";Database=leads", "db|||a;b\"c'=d|leads|")]
    public async Task Should_take_it_apart_for_the_programs_of_PostgreSQL(string address, string expected)
    {
        // $0 is the script; the variables are those that psql and its kin read.
        var start = new ProcessStartInfo("bash", ["-c", $". \"$0\"; find_database ''; printf '%s|%s|%s|%s|%s|%s' {string.Join(' ', Variables.Select(v => $"\"${{{v}:-}}\""))}", Repository.PathOf("ops/scripts/database.sh")]) { RedirectStandardOutput = true };
        foreach (var variable in Variables)
            start.Environment.Remove(variable);
        start.Environment["ConnectionStrings__Database"] = "";
        start.Environment["DATABASE_URL"] = address;

        using var process = Process.Start(start)!;
        var found = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.That(found, Is.EqualTo(expected));
    }

    [Test]
    public async Task Should_save_and_restore_by_an_address()
    {
        using var folder = new TempFolder();
        await using var database = await TestServers.CreateDatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE things AS SELECT 1 AS n");
        var at = new Npgsql.NpgsqlConnectionStringBuilder(database.ConnectionString);
        var environment = new Dictionary<string, string>
        {
            ["ConnectionStrings__Database"] = "",
            ["DATABASE_URL"] = $"postgresql://{Coded(at.Username!)}:{Coded(at.Password!)}@{at.Host}:{at.Port}/{Coded(at.Database!)}?sslmode=prefer",
        };

        var (saved, said) = await OpsScript.RunAsync("backup.sh", environment, folder["copy.dump"]);
        await database.ExecuteAsync("INSERT INTO things VALUES (2)");
        var (restored, output) = await OpsScript.RunAsync("restore.sh", environment, folder["copy.dump"], "--yes");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((saved, restored), Is.EqualTo((0, 0)), said + output);
            Assert.That(await database.QueryAsync<long>("SELECT COUNT(*) FROM things"), Is.EqualTo(1));
            Assert.That(said + output, Does.Not.Contain(at.Password!));
        }
    }

    /// <summary>Every character by its code.</summary>
    private static string Coded(string text) => string.Concat(text.Select(c => $"%{(int)c:X2}"));
}
