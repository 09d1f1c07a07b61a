using System.Globalization;
using System.Text;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Evidence;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Tests.Storage;

/// <summary>The company directory: what is loaded, what stays, what is found meanwhile.</summary>
public abstract class CompanyDirectoryTests<TDatabase> : StorageFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    private readonly FakeTimeProvider time = new(Now);
    private CompanyDirectory directory = null!;

    [SetUp]
    public async Task StartAsync()
    {
        await Database.ExecuteAsync("DELETE FROM companies");
        await Database.ExecuteAsync("DELETE FROM meta WHERE name = 'company-directory'");
        directory = new CompanyDirectory(Database.Sql, time);
    }

    [TearDown]
    public async Task StopAsync() => await directory.DisposeAsync();

    [Test]
    public async Task Should_replace_what_was_loaded_before_and_remove_what_is_gone()
    {
        _ = await LoadAsync("domain,company\na.example,Old A\nb.example,Old B\n");

        var result = await LoadAsync("domain,company\na.example,New A\nc.example,New C\nno line\n,No domain\nc.example,Newer C\n");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((result.Companies, result.Removed, result.Faults), Is.EqualTo((3L, 1L, 2L)));
            Assert.That(result.FirstFaults, Has.All.StartsWith("line "));
            Assert.That((await CompanyAsync("a.example"), await CompanyAsync("b.example"), await CompanyAsync("c.example")), Is.EqualTo(("New A", (string?)null, "Newer C")));
        }
    }

    [Test]
    public async Task Should_keep_what_there_is_when_a_file_holds_no_company()
    {
        _ = await LoadAsync("domain,company\na.example,A\n");

        var result = await LoadAsync("domain,company\n");

        Assert.That((result.Companies, result.Removed, await CompanyAsync("a.example")), Is.EqualTo((0L, 0L, "A")));
    }

    [Test]
    public async Task Should_find_every_company_all_the_while_it_is_loaded_anew()
    {
        const int Many = 12_000;
        _ = await LoadAsync(Csv(Many, "old"));
        var (looked, missing) = (0, 0);

        _ = await directory.LoadAsync(Stream(Csv(Many, "new")), Later(), at =>
        {
            // Between any two transactions, on a connection of its own.
            foreach (var i in (ReadOnlySpan<int>)[0, (int)at.Companies - 1, Many - 1])
            {
                looked++;
                missing += Task.Run(() => CompanyAsync($"c{i}.example")).GetAwaiter().GetResult() is null ? 1 : 0;
            }
        }, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((looked, missing), Is.EqualTo((9, 0)));
            Assert.That(await CompanyAsync("c11999.example"), Is.EqualTo("new 11999"));
        }
    }

    [Test]
    public async Task Should_be_whole_again_after_a_load_that_was_cut_off()
    {
        _ = await LoadAsync(Csv(6000, "old"));
        using var cut = new CancellationTokenSource();

        Assert.That(async () => await directory.LoadAsync(Stream(Csv(12_000, "new")), Later(), _ => cut.Cancel(), cut.Token), Throws.InstanceOf<OperationCanceledException>());
        var between = await CompanyAsync("c0.example");
        var result = await LoadAsync(Csv(12_000, "new"));

        Assert.That((between, result.Companies, await CompanyAsync("c11999.example")), Is.EqualTo(("new 0", 12_000L, "new 11999")));
    }

    [Test]
    public async Task Should_not_write_over_what_a_later_load_has_written()
    {
        var earlier = Later();
        _ = await LoadAsync("domain,company\na.example,Later\n");

        var result = await directory.LoadAsync(Stream("domain,company\na.example,Earlier\n"), earlier, _ => { }, CancellationToken.None);

        Assert.That((result.Removed, await CompanyAsync("a.example")), Is.EqualTo((0L, "Later")));
    }

    [Test]
    public async Task Should_only_confirm_a_file_that_is_loaded_already_and_load_a_changed_one()
    {
        using var folder = new TempFolder();
        var path = Path.Combine(folder.Path, "companies.csv");
        await File.WriteAllTextAsync(path, "domain,company\na.example,A\n");
        var options = Options.Create(new EnrichmentDirectoryOptions { File = path });
        CompanyFile Restarted() => new(directory, Database.Sql, options, time, NullLogger<CompanyFile>.Instance);

        var first = await Restarted().CheckAsync(CancellationToken.None);
        time.Advance(TimeSpan.FromDays(10));
        var file = Restarted();
        var second = await file.CheckAsync(CancellationToken.None);
        var confirmed = (await directory.FindAsync("a.example"))!.LoadedAt;
        time.Advance(TimeSpan.FromDays(1));
        await File.WriteAllTextAsync(path, "domain,company\na.example,Another\n");
        var written = await file.CheckAsync(CancellationToken.None);
        await File.AppendAllTextAsync(path, "b.example,B\n");
        var stillWritten = await file.CheckAsync(CancellationToken.None);
        var meanwhile = await CompanyAsync("a.example");
        var third = await file.CheckAsync(CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((first, second, third), Is.EqualTo((first as CompanyLoad.Loaded, second as CompanyLoad.Unchanged, third as CompanyLoad.Loaded)));
            Assert.That(confirmed, Is.EqualTo(time.GetUtcNow() - TimeSpan.FromDays(1)), "a file that is still there is as true as on that day");
            Assert.That((written, stillWritten, meanwhile), Is.EqualTo(((CompanyLoad)new CompanyLoad.Settling(), (CompanyLoad)new CompanyLoad.Settling(), "A")), "not while it is written");
            Assert.That((await CompanyAsync("a.example"), await CompanyAsync("b.example")), Is.EqualTo(("Another", "B")));
        }
    }

    [Test]
    public async Task Should_confirm_the_load_of_another_worker_that_came_later()
    {
        using var folder = new TempFolder();
        var path = Path.Combine(folder.Path, "companies.csv");
        await File.WriteAllTextAsync(path, "domain,company\na.example,A\n");
        var options = Options.Create(new EnrichmentDirectoryOptions { File = path });
        var ours = new CompanyFile(directory, Database.Sql, options, time, NullLogger<CompanyFile>.Instance);
        await using var theirDirectory = new CompanyDirectory(Database.Sql, time);
        var theirs = new CompanyFile(theirDirectory, Database.Sql, options, time, NullLogger<CompanyFile>.Instance);
        _ = await ours.CheckAsync(CancellationToken.None);
        time.Advance(TimeSpan.FromSeconds(1));
        _ = await theirs.LoadAsync(path, onlyIfOther: false, _ => { }, CancellationToken.None);

        time.Advance(TimeSpan.FromDays(40));
        var checkedAgain = await ours.CheckAsync(CancellationToken.None);

        Assert.That((checkedAgain, (await directory.FindAsync("a.example"))!.LoadedAt), Is.EqualTo(((CompanyLoad)new CompanyLoad.Unchanged(), time.GetUtcNow())));
    }

    [Test]
    public async Task Should_keep_the_later_time_when_an_earlier_load_ends_last()
    {
        using var folder = new TempFolder();
        var path = Path.Combine(folder.Path, "companies.csv");
        await File.WriteAllTextAsync(path, "domain,company\na.example,A\n");
        var options = Options.Create(new EnrichmentDirectoryOptions { File = path });
        var behind = new FakeTimeProvider(time.GetUtcNow());
        time.Advance(TimeSpan.FromSeconds(1));
        var later = new CompanyFile(directory, Database.Sql, options, time, NullLogger<CompanyFile>.Instance);
        _ = await later.CheckAsync(CancellationToken.None);
        await using var earlierDirectory = new CompanyDirectory(Database.Sql, time);
        var earlier = new CompanyFile(earlierDirectory, Database.Sql, options, behind, NullLogger<CompanyFile>.Instance);

        _ = await earlier.LoadAsync(path, onlyIfOther: false, _ => { }, CancellationToken.None);
        time.Advance(TimeSpan.FromDays(40));
        _ = await later.CheckAsync(CancellationToken.None);
        _ = await earlier.CheckAsync(CancellationToken.None);

        Assert.That(((await directory.FindAsync("a.example"))!.LoadedAt, (await earlierDirectory.FindAsync("a.example"))!.LoadedAt), Is.EqualTo((time.GetUtcNow(), time.GetUtcNow())));
    }

    [Test]
    public async Task Should_say_that_a_file_is_missing_or_none_is_wanted()
    {
        var missing = new CompanyFile(directory, Database.Sql, Options.Create(new EnrichmentDirectoryOptions { File = "/nowhere/companies.csv" }), time, NullLogger<CompanyFile>.Instance);
        var none = new CompanyFile(directory, Database.Sql, Options.Create(new EnrichmentDirectoryOptions()), time, NullLogger<CompanyFile>.Instance);

        Assert.That((await missing.CheckAsync(CancellationToken.None), await none.CheckAsync(CancellationToken.None)), Is.EqualTo(((CompanyLoad)new CompanyLoad.Missing("/nowhere/companies.csv"), (CompanyLoad)new CompanyLoad.None())));
    }

    private static string Csv(int companies, string name)
    {
        var text = new StringBuilder("domain,company\n");
        for (var i = 0; i < companies; i++)
            text.Append(CultureInfo.InvariantCulture, $"c{i}.example,{name} {i}\n");
        return text.ToString();
    }

    private static MemoryStream Stream(string csv) => new(Encoding.UTF8.GetBytes(csv));

    private DateTimeOffset Later()
    {
        time.Advance(TimeSpan.FromSeconds(1));
        return time.GetUtcNow();
    }

    private async Task<LoadResult> LoadAsync(string csv)
    {
        using var stream = Stream(csv);
        return await directory.LoadAsync(stream, Later(), _ => { }, CancellationToken.None);
    }

    private async Task<string?> CompanyAsync(string domain) => (await directory.FindAsync(domain))?.Facts["company"]?.ToString();
}
