using System.Text.Json.Nodes;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Cli;
using LeadPipeline.Worker.Intake;

namespace LeadPipeline.Worker.Tests.Cli;

/// <summary>What was refused stands beside the input, can be corrected there, and can be fed again.</summary>
public sealed class RefusalLogTests
{
    private TempFolder folder = null!;

    [SetUp]
    public void MakeFolder() => folder = new TempFolder();

    [TearDown]
    public void RemoveFolder() => folder.Dispose();

    [TestCase("email;company\nnobody;\"A;B\"\na@b.de;C\n", "leads.csv", "\uFEFFemail;company;rejected_because\nnobody;\"A;B\";why\n")]
    [TestCase("email,company,title\nnobody\na@b.de,C\n", "leads.csv", "\uFEFFemail,company,title,rejected_because\nnobody,,,why\n")]
    [TestCase("email,company\nnobody,\"never closed\na@b.de,C\n", "leads.csv", "\uFEFFemail,company,rejected_because\n\"nobody,\"\"never closed\",,why\n")]
    [TestCase("email,company\nnobody,\"two\nlines\"\n", "leads.csv", "\uFEFFemail,company,rejected_because\nnobody,\"two\nlines\",why\n")]
    [TestCase("email\trejected_because\tcompany\nnobody\tbefore\tC\n", "leads.tsv", "\uFEFFemail\tcompany\trejected_because\nnobody\tC\twhy\n")]
    [TestCase("{\"email\":\"nobody\", \"x\":[1,2]}\n{\"email\":\"a@b.de\"}\nnobody at all\n", "leads.jsonl", "{\"email\":\"nobody\", \"x\":[1,2], \"rejected_because\": \"why\"}\n{\"unreadable\": \"nobody at all\", \"rejected_because\": \"why\"}\n")]
    [TestCase("[{\"email\":\"nobody\"},\n{\"email\":\"a@b.de\"},\n{\"email\":\"nobody\",\"rejected_because\":\"before\"}]", "leads.json", "[\n{\"email\":\"nobody\", \"rejected_because\": \"why\"},\n{\"email\":\"nobody\", \"rejected_because\": \"why\"}\n]\n")]
    public async Task Should_keep_the_form_of_the_input(string text, string name, string expected)
    {
        var path = folder.Write(name, text);

        using var log = await RefuseAsync(path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(log.File, Is.EqualTo(folder[$"{Path.GetFileNameWithoutExtension(name)}.rejected{Path.GetExtension(name)}"]));
            Assert.That(System.Text.Encoding.UTF8.GetString(await File.ReadAllBytesAsync(log.File!)), Is.EqualTo(expected));
        }
    }

    [TestCase("email;company\nnobody;\"A;B\"\na@b.de;C\n", "leads.csv")]
    [TestCase("email,company\nnobody,\"never closed\na@b.de,C\n", "leads.csv")]
    [TestCase("{\"email\":\"nobody\"}\nnobody\n", "leads.jsonl")]
    [TestCase("[{\"email\":\"nobody\"},\n{\"email\":\"nobody\"}]", "leads.json")]
    public async Task Should_be_refused_again_with_the_same_contents_when_nothing_was_corrected(string text, string name)
    {
        using var first = await RefuseAsync(folder.Write(name, text));
        var before = await File.ReadAllTextAsync(first.File!);

        using var second = await RefuseAsync(first.File!);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(second.Count, Is.EqualTo(first.Count));
            Assert.That((await File.ReadAllTextAsync(second.File!)).Contains("nobody", StringComparison.Ordinal), Is.True);
            Assert.That(before.Split("rejected_because"), Has.Length.EqualTo((await File.ReadAllTextAsync(second.File!)).Split("rejected_because").Length), "one reason a record");
        }
    }

    [Test]
    public async Task Should_be_taken_once_it_is_corrected()
    {
        using var log = await RefuseAsync(folder.Write("leads.csv", "email;company\nnobody;\"A;B\"\n"));
        await File.WriteAllTextAsync(log.File!, (await File.ReadAllTextAsync(log.File!)).Replace("nobody", "now@b.de", StringComparison.Ordinal));

        await using var corrected = File.OpenRead(log.File!);
        var line = await LeadFile.ReadAsync(corrected, "leads.rejected.csv").SingleAsync();

        Assert.That(line.Body!.Value.GetRawText(), Is.EqualTo("{\"email\":\"now@b.de\",\"company\":\"A;B\"}"));
    }

    [Test]
    public async Task Should_make_no_file_when_nothing_was_refused()
    {
        using var log = await RefuseAsync(folder.Write("leads.csv", "email\na@b.de\n"));

        Assert.That((log.File, Directory.GetFiles(folder.Path).Length), Is.EqualTo(((string?)null, 1)));
    }

    [Test]
    public async Task Should_leave_no_half_file_behind_when_it_is_interrupted()
    {
        var path = folder.Write("leads.csv", "email\nnobody\n");
        using (var log = new RefusalLog(path, new LeadFileLayout { }))
            log.Add(new LeadLine(2, null, "why"), "why", []);

        Assert.That(Directory.GetFiles(folder.Path), Is.EqualTo(new[] { path }));
        await Task.CompletedTask;
    }

    /// <summary>Refuses every line that has no address, as the door would.</summary>
    private static async Task<RefusalLog> RefuseAsync(string path)
    {
        var layout = new LeadFileLayout();
        var log = new RefusalLog(path, layout);
        await using var stream = File.OpenRead(path);
        await foreach (var line in LeadFile.ReadAsync(stream, Path.GetFileName(path), layout))
        {
            if (line.Body is not { } body || LeadReader.Read(body, new LeadOrigin("file"), DateTimeOffset.UnixEpoch) is ReadLead.Refused)
                log.Add(line, "why", new JsonObject { ["line"] = line.Line });
        }
        log.Complete();
        return log;
    }
}
