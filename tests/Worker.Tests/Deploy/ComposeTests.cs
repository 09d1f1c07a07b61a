using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Messaging;
using Microsoft.Extensions.Configuration;

namespace LeadPipeline.Worker.Tests.Deploy;

/// <summary><c>docker-compose.yml</c>, against the program and the files that it mounts.</summary>
public sealed class ComposeTests
{
    private const string Hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    private static readonly JsonObject Compose = Manifest.Read("docker-compose.yml").Single().Content;
    private static readonly JsonObject Worker = Compose["services"]!["worker"]!.AsObject();

    [Test]
    public void The_worker_starts_with_the_settings_that_it_gets()
    {
        var environment = Environment(Worker);

        var configuration = DeployedSettings.Check(environment);

        Assert.Multiple(() =>
        {
            Assert.That(DeployedSettings.Unread(environment.Keys), Is.Empty);
            Assert.That(DeployedSettings.KnowsItsCallers(configuration), Is.True, "it listens on all addresses");
            Assert.That(configuration["ConnectionStrings:Database"], Does.Contain("@postgres:5432/"));
            Assert.That(configuration["ConnectionStrings:Broker"], Does.Contain("@rabbitmq:5672/"));
        });
    }

    [Test]
    public void The_port_is_the_one_on_which_the_worker_listens()
    {
        Assert.That((string?)Worker["ports"]!.AsArray().Single(), Does.EndWith($":{new Uri(Environment(Worker)["Http__Url"]).Port}"));
    }

    [Test]
    public async Task The_health_check_is_a_verb()
    {
        var test = Worker["healthcheck"]!["test"]!.AsArray().Select(w => (string)w!).ToList();

        Assert.That(test[..2], Is.EqualTo(new[] { "CMD", "/app/leadpipeline" }));
        Assert.That(await DeployedVerbs.ExistsAsync(test[2..]), Is.True);
    }

    [Test]
    public void A_stopping_worker_has_the_time_that_it_asks_for()
    {
        var grace = int.Parse(((string)Worker["stop_grace_period"]!).TrimEnd('s'), System.Globalization.CultureInfo.InvariantCulture);

        Assert.That(TimeSpan.FromSeconds(grace), Is.GreaterThanOrEqualTo(new MessagingOptions().StopTimeout + TimeSpan.FromSeconds(5)));
    }

    [Test]
    public void Nothing_is_reachable_from_other_machines()
    {
        var ports = Services().Where(s => s.Value["ports"] is not null).SelectMany(s => s.Value["ports"]!.AsArray().Select(p => (string)p!));

        Assert.That(ports, Is.Not.Empty.And.All.StartWith("127.0.0.1:"));
    }

    [Test]
    public void Each_service_has_a_health_check_and_a_fixed_version()
    {
        Assert.Multiple(() =>
        {
            foreach (var (name, service) in Services())
            {
                Assert.That(service["healthcheck"]?["test"], Is.Not.Null, name);
                Assert.That((string?)service["image"], Does.Match(@":(v?\d+\.\d+|local$)"), name);
            }
        });
    }

    [Test]
    public void The_worker_waits_until_its_servers_are_well()
    {
        Assert.That(Worker["depends_on"]!.AsObject().Select(d => $"{d.Key} {d.Value!["condition"]}"), Is.EquivalentTo(new[] { "postgres service_healthy", "rabbitmq service_healthy" }));
    }

    [Test]
    public void The_worker_can_write_to_nothing_but_its_volume()
    {
        Assert.Multiple(() =>
        {
            Assert.That((bool)Worker["read_only"]!, Is.True);
            Assert.That(Worker["volumes"]!.AsArray().Select(v => (string)v!), Is.EqualTo(new[] { "data:/data" }));
            Assert.That(Worker["cap_drop"]!.ToJsonString(), Is.EqualTo("""["ALL"]"""));
        });
    }

    [Test]
    public void What_is_mounted_is_there()
    {
        var sources = Services().Where(s => s.Value["volumes"] is not null).SelectMany(s => s.Value["volumes"]!.AsArray().Select(v => ((string)v!).Split(':')[0])).ToList();

        Assert.Multiple(() =>
        {
            Assert.That(sources.Where(s => s.StartsWith('.')).Select(Repository.PathOf), Is.Not.Empty.And.All.Matches<string>(Directory.Exists));
            Assert.That(sources.Where(s => !s.StartsWith('.')), Is.EquivalentTo(Compose["volumes"]!.AsObject().Select(v => v.Key)));
        });
    }

    [Test]
    public void Prometheus_asks_services_that_there_are()
    {
        var targets = Manifest.Holders(Manifest.Read("ops/prometheus/prometheus.yml").Single().Content["scrape_configs"], "targets").SelectMany(t => t.Member.AsArray().Select(a => (string)a!)).ToList();

        Assert.That(targets, Does.Contain($"worker:{new Uri(Environment(Worker)["Http__Url"]).Port}"));
        Assert.That(targets.Select(t => t.Split(':')[0]), Is.SubsetOf(Services().Select(s => s.Key)), "each target is a service");
    }

    [Test]
    public void No_secret_has_a_default_and_the_example_names_every_one()
    {
        var text = File.ReadAllText(Repository.PathOf("docker-compose.yml"));
        var variables = Regex.Matches(text, @"\$\{(\w+)([^}]*)\}").Select(m => (Name: m.Groups[1].Value, Otherwise: m.Groups[2].Value)).ToList();
        var example = File.ReadAllLines(Repository.PathOf(".env.example")).Where(l => l.Length > 0 && !l.StartsWith('#')).Select(l => l.Split('=', 2)).ToDictionary(p => p[0], p => p[1]);

        Assert.Multiple(() =>
        {
            Assert.That(variables.Where(v => v.Name != "CRM_PROVIDER").Select(v => v.Otherwise), Is.All.StartWith(":?"));
            Assert.That(example.Keys, Is.EquivalentTo(variables.Select(v => v.Name).Append("LEADPIPELINE_TOKEN").Distinct()));
            Assert.That(example.Where(e => e.Key != "CRM_PROVIDER").Select(e => e.Value), Is.All.Empty);
            Assert.That(File.ReadAllLines(Repository.PathOf(".gitignore")), Does.Contain(".env"));
        });
    }

    [Test]
    public void The_script_makes_every_variable_of_the_example()
    {
        var names = (string file) => Regex.Matches(File.ReadAllText(Repository.PathOf(file)), @"^([A-Z_]+)=", RegexOptions.Multiline).Select(m => m.Groups[1].Value);

        Assert.That(names("ops/scripts/new-env.sh"), Is.EquivalentTo(names(".env.example")));
    }

    private static IEnumerable<KeyValuePair<string, JsonObject>> Services() => Compose["services"]!.AsObject().Select(s => KeyValuePair.Create(s.Key, s.Value!.AsObject()));

    /// <summary>The variables of a service, as Compose fills them from an <c>.env</c> that the script made.</summary>
    private static Dictionary<string, string> Environment(JsonObject service) => service["environment"]!.AsObject().ToDictionary(e => e.Key, e => Regex.Replace((string)e.Value!, @"\$\{(\w+)[^}]*\}", m => m.Groups[1].Value switch
    {
        "LEADPIPELINE_TOKEN_HASH" => Hash,
        "LEADPIPELINE_MASTER_KEY" => Convert.ToBase64String(new byte[32]),
        "CRM_PROVIDER" => "Mock",
        _ => "0123456789abcdef",
    }));
}
