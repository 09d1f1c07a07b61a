using System.Diagnostics;

namespace LeadPipeline.Worker.Tests.Doors;

/// <summary>The commands in <c>docs/INTAKE.md</c> do what is said there; needs bash, curl and openssl.</summary>
public sealed class IntakeDocumentTests
{
    private const string Here = "http://127.0.0.1:8080/";

    private static IEnumerable<TestCaseData> Commands() =>
        IntakeDocument.Blocks("sh").Select((b, i) => new TestCaseData(b).SetArgDisplayNames($"{i + 1}: {b.Split('/', ' ', '?', '\'').SkipWhile(w => w is not ("webhooks" or "forms")).Skip(1).FirstOrDefault()}"));

    [TestCaseSource(nameof(Commands))]
    public async Task A_command_gets_the_answer_that_its_section_tells_of(string command)
    {
        var output = await RunAsync(command.Replace(Here, DoorService.Address.ToString(), StringComparison.Ordinal));

        Assert.That(output, Does.Contain("\"status\":\"accepted\"").Or.Contain("\"status\":\"ignored\"").Or.EqualTo("1158201444"));
    }

    [Test]
    public void Every_sender_has_a_command()
    {
        var commands = string.Concat(IntakeDocument.Blocks("sh"));

        Assert.That(new[] { "standard", "hubspot", "typeform", "meta", "google-ads", "calendly", "webflow", "marketo", "partner" }.Where(s => !commands.Contains($"{Here}webhooks/{s}", StringComparison.Ordinal)), Is.Empty);
    }

    private static async Task<string> RunAsync(string script)
    {
        using var bash = Process.Start(new ProcessStartInfo("bash", ["-euo", "pipefail", "-c", script]) { RedirectStandardOutput = true })!;
        var output = await bash.StandardOutput.ReadToEndAsync();
        await bash.WaitForExitAsync();
        return output;
    }
}
