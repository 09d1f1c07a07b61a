using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Intake;

namespace LeadPipeline.Worker.Tests;

/// <summary>The samples are the first thing that a newcomer runs; they hold what their names promise.</summary>
public class SamplesTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static FileStream Open(string name)
    {
        var folder = new DirectoryInfo(TestContext.CurrentContext.TestDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "LeadPipeline.sln")))
            folder = folder.Parent;
        return File.OpenRead(Path.Combine(folder!.FullName, "samples", name));
    }

    private static async Task<List<(int Line, bool Good)>> Read(string name)
    {
        await using var file = Open(name);
        return await LeadFile.ReadAsync(file, name)
            .Select(l => (l.Line, l.Body is { } body && LeadReader.Read(body, new LeadOrigin("file", Trusted: true), Now) is ReadLead.Accepted)).ToListAsync();
    }

    [TestCase("leads.jsonl", 77)]
    [TestCase("leads.csv", 15)]
    [TestCase("leads.json", 10)]
    public async Task Should_hold_only_good_leads(string name, int count)
    {
        var lines = await Read(name);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(lines, Has.Count.EqualTo(count));
            Assert.That(lines.Where(l => !l.Good), Is.Empty);
        }
    }

    [Test]
    public async Task Should_hold_good_and_bad_lines_to_look_at()
    {
        var lines = await Read("leads-invalid.jsonl");

        Assert.That(lines.Where(l => l.Good).Select(l => l.Line), Is.EqualTo(new[] { 1, 12 }));
    }

    [Test]
    public async Task Should_hold_a_directory_without_faults_or_repetitions()
    {
        await using var file = Open("companies.csv");

        var rows = await CompanyCsv.ReadAsync(file).ToListAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(rows.Where(r => r.Error is not null), Is.Empty);
            Assert.That(rows.Select(r => r.Domain), Is.Unique);
            Assert.That(rows, Has.Count.GreaterThanOrEqualTo(170));
        }
    }
}
