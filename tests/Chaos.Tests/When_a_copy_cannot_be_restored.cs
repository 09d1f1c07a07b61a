namespace LeadPipeline.Chaos.Tests;

/// <summary>What is changed by a restore that does not come to its end: nothing.</summary>
[Category("Integration")]
public sealed class When_a_copy_cannot_be_restored
{
    private TempFolder folder = null!;
    private TestDatabase database = null!;

    [SetUp]
    public async Task FillAsync()
    {
        folder = new TempFolder();
        database = await TestServers.CreateDatabaseAsync();
        // Two tables and so much in them that a part of a copy holds the one and not the other; random, for it is compressed.
        await database.ExecuteAsync("CREATE TABLE first AS SELECT n, gen_random_uuid() AS id FROM generate_series(1, 2000) AS n; CREATE TABLE second AS SELECT n, gen_random_uuid() AS id FROM generate_series(1, 2000) AS n");
    }

    [TearDown]
    public async Task DropAsync()
    {
        await database.DisposeAsync();
        folder.Dispose();
    }

    [Test]
    public async Task Should_leave_the_database_as_it_was_when_the_copy_is_cut_off()
    {
        var whole = await SavedAsync();
        var bytes = await File.ReadAllBytesAsync(whole);
        await File.WriteAllBytesAsync(folder["half.dump"], bytes[..(bytes.Length * 3 / 4)]);

        var (code, said) = await OpsScript.RunAsync("restore.sh", Environment(), folder["half.dump"], "--yes");

        await ShouldBeAsItWasAsync(code, said);
        Assert.That(said, Does.Contain("is not whole"));
    }

    [TestCase(20, TestName = "Should_leave_the_database_as_it_was_when_reading_ends_in_the_middle, before the tables")]
    [TestCase(2500, TestName = "Should_leave_the_database_as_it_was_when_reading_ends_in_the_middle, among the rows")]
    public async Task Should_leave_the_database_as_it_was_when_reading_ends_in_the_middle(int lines)
    {
        var whole = await SavedAsync();
        // As a disk that fails between the look at the copy and its use; between two lines, where nothing but the missing rest tells of it.
        var path = Instead("pg_restore", $"""
            case " $* " in
              *" --file=- "*) "$real" "$@" | head -n {lines}; exit 1 ;;
              *) exec "$real" "$@" ;;
            esac
            """);

        var (code, said) = await OpsScript.RunAsync("restore.sh", Environment(("PATH", path)), whole, "--yes");

        await ShouldBeAsItWasAsync(code, said);
    }

    [Test]
    public async Task Should_let_no_worker_in_while_an_embedded_database_is_replaced()
    {
        var none = new Dictionary<string, string> { ["ConnectionStrings__Database"] = "", ["DATABASE_URL"] = "" };
        await File.WriteAllTextAsync(folder["leads.jsonl"], GeneratedLeads.Lines(1));
        _ = await Cli.RunAsync(["process", folder["leads.jsonl"], "--json"], folder.Path);
        var (saved, said) = await OpsScript.RunAsync("backup.sh", none, folder["copy.db"], "--data", folder.Path);
        none["PATH"] = Instead("cp", $"""
            if flock -n '{folder["lock"]}' true; then echo free; else echo held; fi >'{folder["seen"]}'
            exec "$real" "$@"
            """);

        var (code, output) = await OpsScript.RunAsync("restore.sh", none, folder["copy.db"], "--yes", "--data", folder.Path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((saved, code), Is.EqualTo((0, 0)), said + output);
            Assert.That((await File.ReadAllTextAsync(folder["seen"])).Trim(), Is.EqualTo("held"));
        }
    }

    private Dictionary<string, string> Environment(params (string Name, string Value)[] more) =>
        more.Append((Name: "ConnectionStrings__Database", Value: database.ConnectionString)).ToDictionary(v => v.Name, v => v.Value);

    /// <summary>A copy, and a row that was made after it.</summary>
    private async Task<string> SavedAsync()
    {
        var (saved, said) = await OpsScript.RunAsync("backup.sh", Environment(), folder["whole.dump"]);
        Assert.That(saved, Is.Zero, said);
        await database.ExecuteAsync("INSERT INTO second VALUES (0, gen_random_uuid())");
        return folder["whole.dump"];
    }

    private async Task ShouldBeAsItWasAsync(int code, string said)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.EqualTo(1), said);
            Assert.That(said, Does.Contain("the database is as it was").And.Not.Contain("Restored"));
            Assert.That(await database.QueryAsync<long>("SELECT COUNT(*) FROM first"), Is.EqualTo(2000));
            Assert.That(await database.QueryAsync<long>("SELECT COUNT(*) FROM second"), Is.EqualTo(2001));
        }
    }

    /// <summary>A search path on which a program of the machine is another one; <c>$real</c> in it is the machine's.</summary>
    private string Instead(string program, string script)
    {
        var search = System.Environment.GetEnvironmentVariable("PATH")!;
        var real = search.Split(Path.PathSeparator).Select(d => Path.Combine(d, program)).First(File.Exists);
        var bin = Directory.CreateDirectory(folder["bin"]).FullName;
        var file = Path.Combine(bin, program);
        File.WriteAllText(file, $"#!/usr/bin/env bash\nset -u\nreal='{real}'\n{script}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return bin + Path.PathSeparator + search;
    }
}
