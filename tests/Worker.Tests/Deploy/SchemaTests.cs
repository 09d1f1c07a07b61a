using System.Diagnostics;
using System.Text.Json.Nodes;
using LeadPipeline.TestKit;

namespace LeadPipeline.Worker.Tests.Deploy;

/// <summary>
/// Manifests against the published schemas, with unknown members refused. The schemas are not part of this repository: they are looked for in the folder
/// that <c>LEADPIPELINE_CONTRACTS</c> names, and beside the working copy.
/// </summary>
public sealed class SchemaTests
{
    /// <summary>Kinds that operators bring along, and kustomize's own; the schema does not have them.</summary>
    private static readonly string[] WithoutSchema = ["Kustomization", "Component", "ScaledObject", "TriggerAuthentication", "ServiceMonitor", "PrometheusRule", "ExternalSecret"];

    [Test]
    public void Compose_files_are_what_the_schema_allows([Values("docker-compose.yml", "docker-compose.test.yml")] string file)
    {
        var schema = Schema("compose.schema.json");

        Assert.That(schema.Faults(Manifest.Read(file).Single().Content), Is.Empty);
    }

    [Test]
    public void Kubernetes_manifests_are_what_the_schema_allows()
    {
        var schema = Schema("k8s-strict.schema.json");

        var faults = Manifest.Files("k8s").SelectMany(Manifest.Read)
            .Where(m => !WithoutSchema.Contains(m.Kind) && m.Content["$patch"] is null)
            .SelectMany(m => schema.Faults(m.Content).Select(f => $"{m}: {f}"));

        Assert.That(faults, Is.Empty);
    }

    [TestCaseSource(typeof(Overlays), nameof(Overlays.Names))]
    public void What_kustomize_makes_of_an_overlay_is_what_the_schema_allows(string overlay)
    {
        var schema = Schema("k8s-strict.schema.json");

        var faults = Overlays.Render(overlay).Where(m => !WithoutSchema.Contains(m.Kind)).SelectMany(m => schema.Faults(m.Content).Select(f => $"{m}: {f}"));

        Assert.That(faults, Is.Empty);
    }

    [Test]
    public void Refuses_a_member_that_does_not_exist_and_a_value_of_the_wrong_kind()
    {
        var schema = Schema("k8s-strict.schema.json");
        var deployment = Manifest.Read("k8s/base/deployment.yaml").Single().Content;
        deployment["spec"]!["replica"] = 2;
        deployment["spec"]!["revisionHistoryLimit"] = "5";

        Assert.That(schema.Faults(deployment), Is.EquivalentTo(new[] { "$.spec.replica may not be there", "$.spec.revisionHistoryLimit is \"5\", not \"integer\"" }));
    }

    private static JsonSchema Schema(string name)
    {
        var file = OutsideContracts.Find($"ops/{name}");
        if (file is null)
            Assert.Ignore($"LEADPIPELINE_CONTRACTS names no folder with ops/{name}: the manifests are not held to the published schema.");
        return new JsonSchema(JsonNode.Parse(File.ReadAllText(file!))!);
    }
}

/// <summary>The overlays as kustomize builds them.</summary>
internal static class Overlays
{
    public static IEnumerable<string> Names() => Directory.EnumerateDirectories(Repository.PathOf("k8s/overlays")).Select(d => Path.GetFileName(d)!).Where(n => !n.StartsWith('.')).Order(StringComparer.Ordinal);

    /// <summary>What is applied; ignores the test where there is no kubectl.</summary>
    public static IReadOnlyList<Manifest> Render(string overlay) => Build(Repository.PathOf($"k8s/overlays/{overlay}"), overlay);

    /// <summary>The same with components added.</summary>
    public static IReadOnlyList<Manifest> RenderWith(string overlay, params string[] components)
    {
        var folder = Directory.CreateDirectory(Repository.PathOf($"k8s/overlays/.test.{Guid.NewGuid():N}"));
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, "kustomization.yaml"),
                $"resources:\n  - ../{overlay}\ncomponents:\n{string.Concat(components.Select(c => $"  - ../../components/{c}\n"))}");
            return Build(folder.FullName, overlay);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static IReadOnlyList<Manifest> Build(string folder, string overlay)
    {
        Process kubectl;
        try
        {
            kubectl = Process.Start(new ProcessStartInfo("kubectl", ["kustomize", folder]) { RedirectStandardOutput = true })!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Ignore("There is no kubectl here: overlays are not built by kustomize.");
            throw;
        }
        using (kubectl)
        {
            var text = kubectl.StandardOutput.ReadToEnd();
            kubectl.WaitForExit();
            Assert.That(kubectl.ExitCode, Is.Zero, $"kubectl kustomize {overlay}");
            return Manifest.Parse(text, overlay);
        }
    }
}
