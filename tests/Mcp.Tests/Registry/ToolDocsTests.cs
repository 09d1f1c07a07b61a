using LeadPipeline.Mcp.Registry;
using LeadPipeline.TestKit;

namespace LeadPipeline.Mcp.Tests.Registry;

[TestFixture]
public sealed class ToolDocsTests
{
    [Test]
    public void Should_find_the_page_about_the_tools_as_the_registry_has_it()
    {
        var file = Path.Combine(Repository.Root, "docs", "TOOLS.md");
        var page = ToolDocs.Write(ToolRegistry.Default());
        if (Environment.GetEnvironmentVariable("LEADPIPELINE_APPROVE") == "1")
            File.WriteAllText(file, page);

        Assert.That(File.Exists(file) ? File.ReadAllText(file).ReplaceLineEndings("\n") : "", Is.EqualTo(page),
            "docs/TOOLS.md is not as the registry has it: LEADPIPELINE_APPROVE=1 dotnet test tests/Mcp.Tests --filter ToolDocs");
    }

    [Test]
    public void Should_tell_of_every_tool_and_every_forbidden_name()
    {
        var page = ToolDocs.Write(ToolRegistry.Default());

        using (Assert.EnterMultipleScope())
        {
            foreach (var tool in ToolRegistry.Default().All)
                Assert.That(page, Does.Contain($"| `{tool.Name}` |"));
            foreach (var rule in ForbiddenTools.All)
                Assert.That(page, Does.Contain($"| `{rule.Pattern}` | {rule.Reason} | {rule.Alternative} |"));
        }
    }
}
