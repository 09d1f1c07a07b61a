using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LeadPipeline.TestKit;

namespace LeadPipeline.Worker.Tests.Deploy;

/// <summary>The workflow of continuous integration: no more rights than it needs, and no step that leads nowhere.</summary>
public sealed class WorkflowTests
{
    private static readonly JsonObject Workflow = Manifest.Read(".github/workflows/ci.yml").Single().Content;

    [Test]
    public void Actions_are_pinned_by_their_major_version()
    {
        Assert.That(Manifest.Holders(Workflow["jobs"], "uses").Select(u => (string)u.Member!), Is.Not.Empty.And.All.Match(@"^[\w-]+/[\w-]+@v\d+$"));
    }

    [Test]
    public void Nothing_is_permitted_unless_a_job_says_so_and_only_the_image_is_written()
    {
        var rights = Workflow["jobs"]!.AsObject().SelectMany(j => j.Value!["permissions"]!.AsObject().Select(p => $"{j.Key} {p.Key} {p.Value}")).ToList();

        Assert.Multiple(() =>
        {
            Assert.That(Workflow["permissions"]!.AsObject(), Is.Empty);
            Assert.That(rights.Where(r => !r.EndsWith(" read", StringComparison.Ordinal)), Is.EqualTo(new[] { "image packages write" }));
        });
    }

    [Test]
    public void Only_what_was_tested_is_deployed_and_only_when_somebody_asks()
    {
        var deploy = Workflow["jobs"]!["deploy"]!;

        Assert.Multiple(() =>
        {
            Assert.That((string?)deploy["if"], Is.EqualTo("github.event_name == 'workflow_dispatch'"));
            Assert.That(deploy["environment"], Is.Not.Null);
            Assert.That(Ancestors("deploy"), Is.SupersetOf(new[] { "image", "test", "manifests" }));
        });
    }

    [Test]
    public void Environments_to_deploy_to_are_the_overlays()
    {
        Assert.That(Workflow["on"]!["workflow_dispatch"]!["inputs"]!["environment"]!["options"]!.AsArray().Select(o => (string)o!), Is.EquivalentTo(Overlays.Names()));
    }

    [Test]
    public void Scripts_that_are_run_are_there_and_nothing_from_outside_is_pasted_into_them()
    {
        var scripts = Manifest.Holders(Workflow["jobs"], "run").Select(r => (string)r.Member!).ToList();
        var files = scripts.SelectMany(s => Regex.Matches(s, @"(?m)^\s*((?:\.ci|ops/scripts)/\S+)").Select(m => m.Groups[1].Value)).ToList();

        Assert.Multiple(() =>
        {
            Assert.That(files, Is.SupersetOf(new[] { ".ci/run", "ops/scripts/deploy.sh" }));
            Assert.That(files.Select(Repository.PathOf), Is.All.Matches<string>(File.Exists));
            Assert.That(scripts, Is.All.Not.Contain("${{"), "what a person may write goes through env");
        });
    }

    private static IEnumerable<string> Ancestors(string job) => (Workflow["jobs"]![job]!["needs"] switch
    {
        JsonArray many => many.Select(n => (string)n!),
        { } one => [(string)one!],
        null => [],
    }).SelectMany(n => Ancestors(n).Prepend(n));
}
