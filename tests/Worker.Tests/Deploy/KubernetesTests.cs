using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Messaging.RabbitMq;
using LeadPipeline.Worker.Tests.Http;
using Microsoft.Extensions.Configuration;

namespace LeadPipeline.Worker.Tests.Deploy;

/// <summary>The manifests below <c>k8s/</c>, against the program and against each other.</summary>
public sealed class KubernetesTests
{
    private static readonly JsonObject Deployment = Manifest.Read("k8s/base/deployment.yaml").Single().Content;
    private static readonly JsonNode Pod = Deployment["spec"]!["template"]!["spec"]!;
    private static readonly JsonNode Container = Pod["containers"]![0]!;

    /// <summary>The secret values of a real deployment, in the form that its example asks for.</summary>
    private static readonly Dictionary<string, string> Secrets = new()
    {
        ["ConnectionStrings__Database"] = "postgresql://user:password@postgres.example:5432/leadpipeline",
        ["ConnectionStrings__Broker"] = "amqps://user:password@rabbitmq.example:5671/leads",
        ["Encryption__MasterKey"] = Convert.ToBase64String(new byte[32]),
        ["Auth__Tokens__0__Hash"] = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    };

    [TestCaseSource(typeof(Overlays), nameof(Overlays.Names))]
    public void Workers_of_an_overlay_start_with_the_settings_that_they_get(string overlay)
    {
        var environment = Environment(overlay, SecretExample().ToDictionary(s => s.Key, s => Secrets.GetValueOrDefault(s.Key, s.Value)));

        var configuration = DeployedSettings.Check(environment);

        Assert.Multiple(() =>
        {
            Assert.That(DeployedSettings.Unread(environment.Keys), Is.Empty);
            Assert.That(DeployedSettings.KnowsItsCallers(configuration), Is.True, "they listen on all addresses");
            Assert.That(configuration["Database:Migrate"], Is.EqualTo("false"), "the job does it");
        });
    }

    [Test]
    public void Nothing_starts_with_the_secrets_of_the_example()
    {
        Assert.That(() => DeployedSettings.Check(Environment("production", SecretExample())), Throws.TypeOf<ConfigurationException>());
    }

    [Test]
    public void The_example_has_every_secret_that_a_worker_needs()
    {
        Assert.That(Secrets.Keys, Is.SubsetOf(SecretExample().Keys));
    }

    [Test]
    public void The_port_is_the_one_on_which_the_worker_listens()
    {
        var port = new Uri(Lines("k8s/base/config.env")["Http__Url"]).Port;
        var ports = Manifest.Read("k8s/base/network-policy.yaml").Single().Content["spec"]!["ingress"]![0]!["ports"]!.AsArray();

        Assert.Multiple(() =>
        {
            Assert.That((int)Container["ports"]![0]!["containerPort"]!, Is.EqualTo(port));
            Assert.That((int)ports.Single()!["port"]!, Is.EqualTo(port));
            Assert.That((string?)Manifest.Read("k8s/base/service.yaml").Single().Content["spec"]!["ports"]![0]!["targetPort"], Is.EqualTo((string?)Container["ports"]![0]!["name"]));
        });
    }

    [Test]
    public async Task Every_path_is_a_route_of_the_program()
    {
        await using var service = await RunningService.StartAsync();
        var routes = service.Routes.Select(r => "/" + r.RoutePattern.RawText!.Trim('/')).ToList();
        var paths = Manifest.Holders(Container, "httpGet").Select(p => (string)p.Member["path"]!)
            .Concat(Manifest.Read("k8s/components/monitoring/service-monitor.yaml").SelectMany(m => Manifest.Holders(m.Content, "path")).Select(p => (string)p.Member!));
        var doors = Manifest.Holders(Manifest.Read("k8s/base/ingress.yaml").Single().Content, "pathType").Select(p => ((string)p.Owner["path"]!, (string)p.Member!)).ToList();

        Assert.Multiple(() =>
        {
            Assert.That(paths, Is.Not.Empty);
            Assert.That(paths.Except(routes), Is.Empty);
            foreach (var (path, type) in doors)
                Assert.That(routes, type == "Exact" ? Does.Contain(path) : Has.Some.StartsWith(path + "/"), path);
        });
    }

    [TestCase("k8s/base/deployment.yaml")]
    [TestCase("k8s/base/migrate-job.yaml")]
    public async Task What_a_container_runs_is_a_verb(string file)
    {
        var arguments = Manifest.Holders(Manifest.Read(file).Single().Content, "args").Single().Member.AsArray().Select(a => (string)a!);

        Assert.That(await DeployedVerbs.ExistsAsync(arguments), Is.True);
    }

    [TestCaseSource(typeof(Overlays), nameof(Overlays.Names))]
    public void A_stopping_worker_has_the_time_that_it_asks_for(string overlay)
    {
        var stop = TimeSpan.Parse(Environment(overlay, [])["Messaging__StopTimeout"], CultureInfo.InvariantCulture);
        var before = TimeSpan.FromSeconds((int)Container["lifecycle"]!["preStop"]!["sleep"]!["seconds"]!);

        Assert.That(TimeSpan.FromSeconds((int)Pod["terminationGracePeriodSeconds"]!), Is.GreaterThanOrEqualTo(before + stop + TimeSpan.FromSeconds(5)));
    }

    [Test]
    public void Every_pod_is_restricted_and_limited()
    {
        var pods = Manifest.Files("k8s").SelectMany(Manifest.Read).SelectMany(m => Manifest.Holders(m.Content, "containers").Select(c => (m, Pod: c.Owner))).ToList();

        Assert.That(pods, Has.Count.EqualTo(3));
        Assert.Multiple(() =>
        {
            foreach (var (file, pod) in pods)
            {
                Assert.That(pod["securityContext"]!["runAsNonRoot"]!.ToJsonString(), Is.EqualTo("true"), $"{file}");
                Assert.That((string?)pod["securityContext"]!["seccompProfile"]!["type"], Is.EqualTo("RuntimeDefault"), $"{file}");
                Assert.That(pod["automountServiceAccountToken"]!.ToJsonString(), Is.EqualTo("false"), $"{file}");
                Assert.That(pod["enableServiceLinks"]!.ToJsonString(), Is.EqualTo("false"), $"{file}: variables of services could be taken for settings");
                foreach (var container in pod["containers"]!.AsArray())
                {
                    Assert.That(container!["securityContext"]!.ToJsonString(), Is.EqualTo("""{"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"capabilities":{"drop":["ALL"]}}"""), $"{file}");
                    Assert.That(container["resources"]!.AsObject().SelectMany(r => r.Value!.AsObject().Select(v => $"{r.Key}.{v.Key}")), Is.EquivalentTo(new[] { "requests.cpu", "requests.memory", "limits.cpu", "limits.memory" }), $"{file}");
                    var mounts = container["volumeMounts"]!.AsArray().Select(v => (string)v!["name"]!);
                    Assert.That(mounts, Is.EquivalentTo(pod["volumes"]!.AsArray().Select(v => (string)v!["name"]!)), $"{file}");
                }
            }
        });
    }

    [TestCaseSource(typeof(Overlays), nameof(Overlays.Names))]
    public void Selectors_find_the_workers_of_an_overlay(string overlay)
    {
        var all = Overlays.Render(overlay);
        var labels = all.Single(m => m.Kind == "Deployment").Content["spec"]!["template"]!["metadata"]!["labels"]!;
        var selectors = all.SelectMany(m => m.Kind switch
        {
            "Service" => [m.Content["spec"]!["selector"]!],
            "Deployment" or "PodDisruptionBudget" => [m.Content["spec"]!["selector"]!["matchLabels"]!],
            "NetworkPolicy" => [m.Content["spec"]!["podSelector"]!["matchLabels"]!],
            _ => Enumerable.Empty<JsonNode>(),
        }).ToList();

        Assert.That(selectors, Has.Count.EqualTo(4));
        Assert.That(selectors.SelectMany(s => s.AsObject()).Select(l => $"{l.Key}={l.Value}").Distinct(), Is.SubsetOf(labels.AsObject().Select(l => $"{l.Key}={l.Value}")));
    }

    [TestCaseSource(typeof(Overlays), nameof(Overlays.Names))]
    public void Every_pod_of_an_overlay_is_behind_the_network_policy(string overlay)
    {
        var templates = Overlays.Render(overlay).SelectMany(m => Manifest.Holders(m.Content, "template")).Select(t => (string?)t.Member["metadata"]?["labels"]?["app.kubernetes.io/name"]);

        Assert.That(templates, Is.Not.Empty.And.All.EqualTo("leadpipeline"));
    }

    [TestCaseSource(typeof(Overlays), nameof(Overlays.Names))]
    public void Everything_of_an_overlay_is_in_its_namespace_and_every_image_has_a_version(string overlay)
    {
        var all = Overlays.Render(overlay);

        Assert.Multiple(() =>
        {
            Assert.That(all.Where(m => m.Kind != "Namespace").Select(m => (string?)m.Content["metadata"]!["namespace"]), Is.All.EqualTo($"leadpipeline-{overlay}"));
            Assert.That(all.SelectMany(m => Manifest.Holders(m.Content, "image")).Select(i => (string)i.Member!), Is.All.Match(@":\d+\.\d+"));
        });
    }

    [TestCase(new string[0], "HorizontalPodAutoscaler")]
    [TestCase(new[] { "queue-scaling" }, "ScaledObject")]
    [TestCase(new[] { "queue-scaling", "monitoring", "external-secret" }, "ScaledObject")]
    public void The_workers_have_one_autoscaler_and_no_number_of_their_own(string[] components, string scaler)
    {
        var all = components.Length == 0 ? Overlays.Render("production") : Overlays.RenderWith("production", components);

        Assert.Multiple(() =>
        {
            Assert.That(all.Select(m => m.Kind).Where(k => k is "HorizontalPodAutoscaler" or "ScaledObject"), Is.EqualTo(new[] { scaler }));
            Assert.That(all.Single(m => m.Kind == "Deployment").Content["spec"]!["replicas"], Is.Null);
        });
    }

    [Test]
    public void Scaling_looks_at_every_queue_of_the_program()
    {
        var scaled = Manifest.Read("k8s/components/queue-scaling/scaled-object.yaml").Single(m => m.Kind == "ScaledObject");

        Assert.That(Manifest.Holders(scaled.Content, "queueName").Select(q => (string)q.Member!), Is.EquivalentTo(RabbitMqRegistration.Queues));
    }

    [Test]
    public void Both_autoscalers_have_the_same_bounds()
    {
        var hpa = Manifest.Read("k8s/base/hpa.yaml").Single().Content["spec"]!;
        var keda = Manifest.Read("k8s/components/queue-scaling/scaled-object.yaml").Single(m => m.Kind == "ScaledObject").Content["spec"]!;

        Assert.That(new[] { (int)keda["minReplicaCount"]!, (int)keda["maxReplicaCount"]! }, Is.EqualTo(new[] { (int)hpa["minReplicas"]!, (int)hpa["maxReplicas"]! }));
    }

    [Test]
    public void Alerts_in_the_cluster_are_the_alerts()
    {
        var alerts = Manifest.Read("ops/prometheus/alerts.yml").Single().Content;
        var rule = Manifest.Read("k8s/components/monitoring/prometheus-rule.yaml").Single().Content;

        Assert.That(JsonNode.DeepEquals(rule["spec"], alerts), Is.True, "run ops/scripts/prometheus-rule.sh");
    }

    private static Dictionary<string, string> Environment(string overlay, Dictionary<string, string> secrets)
    {
        var environment = new Dictionary<string, string>(secrets);
        var literals = Manifest.Read($"k8s/overlays/{overlay}/kustomization.yaml").Single().Content["configMapGenerator"]![0]!["literals"]!.AsArray().Select(l => ((string)l!).Split('=', 2));
        foreach (var (key, value) in Lines("k8s/base/config.env").Concat(literals.Select(l => KeyValuePair.Create(l[0], l[1]))))
            environment[key] = value;
        return environment;
    }

    private static Dictionary<string, string> SecretExample() =>
        Manifest.Read("k8s/secret.example.yaml").Single().Content["stringData"]!.AsObject().ToDictionary(s => s.Key, s => (string)s.Value!);

    private static Dictionary<string, string> Lines(string file) => File.ReadAllLines(Repository.PathOf(file)).Where(l => l.Length > 0 && !l.StartsWith('#')).Select(l => l.Split('=', 2)).ToDictionary(l => l[0], l => l[1]);
}
