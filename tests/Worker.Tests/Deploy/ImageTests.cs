using System.Text.RegularExpressions;
using System.Xml.Linq;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Cli;

namespace LeadPipeline.Worker.Tests.Deploy;

/// <summary>The Dockerfile, against the program that it packs.</summary>
public sealed class ImageTests
{
    private static readonly string Text = ImageFile.Text;

    [Test]
    public void Every_project_of_the_program_is_there_before_packages_are_restored()
    {
        var restored = Text[..Text.IndexOf("dotnet restore", StringComparison.Ordinal)];

        Assert.That(Regex.Matches(restored, @"^COPY (src/\S+\.csproj) ", RegexOptions.Multiline).Select(m => m.Groups[1].Value), Is.EquivalentTo(Projects("src/Worker/Worker.csproj").Distinct()));
    }

    [Test]
    public void Files_that_decide_the_build_are_copied_and_not_ignored()
    {
        string[] needed = ["global.json", "Directory.Build.props", "Directory.Packages.props", ".editorconfig"];

        var ignore = File.ReadAllLines(Repository.PathOf(".dockerignore"));

        Assert.Multiple(() =>
        {
            Assert.That(Regex.Match(Text, @"^COPY (global\.json.*) \./$", RegexOptions.Multiline).Groups[1].Value.Split(' '), Is.EquivalentTo(needed));
            Assert.That(ignore.Where(l => l.StartsWith('!')).Select(l => l[1..]), Is.EquivalentTo(needed.Append("src")));
            Assert.That(ignore.First(l => !l.StartsWith('#')), Is.EqualTo("*"), "all else stays outside");
        });
    }

    [Test]
    public void The_base_has_the_framework_of_the_program_and_Unicode()
    {
        var framework = XDocument.Load(Repository.PathOf("Directory.Build.props")).Descendants("TargetFramework").Single().Value["net".Length..];

        Assert.That(Regex.Matches(Text, @"^FROM .*dotnet/(\S+)", RegexOptions.Multiline).Select(m => m.Groups[1].Value),
            Is.EqualTo(new[] { $"sdk:{framework}-noble", $"aspnet:{framework}-noble-chiseled-extra" }), "of the chiselled images only those named extra have ICU");
    }

    [Test]
    public void It_runs_as_somebody_without_rights_and_says_so_after_everything_is_copied()
    {
        Assert.That(Text.LastIndexOf("USER $APP_UID", StringComparison.Ordinal), Is.GreaterThan(Text.LastIndexOf("COPY", StringComparison.Ordinal)));
    }

    [Test]
    public void Its_settings_are_settings_of_the_program_and_none_is_a_secret()
    {
        var settings = ImageFile.Settings;

        Assert.Multiple(() =>
        {
            Assert.That(() => DeployedSettings.Check(settings), Throws.Nothing);
            Assert.That(DeployedSettings.Unread(settings.Keys.Except(ImageFile.Memory.Select(m => m.Key))), Is.Empty);
            Assert.That(Text, Does.Not.Match("(?im)^(ARG|ENV).*(password|secret|token|masterkey)"));
        });
    }

    [Test]
    public void It_exposes_the_port_on_which_it_listens_and_keeps_its_data_in_the_volume()
    {
        var settings = ImageFile.Settings;

        Assert.Multiple(() =>
        {
            Assert.That(Regex.Match(Text, @"^EXPOSE (\d+)", RegexOptions.Multiline).Groups[1].Value, Is.EqualTo(new Uri(settings["Http__Url"]).Port.ToString(System.Globalization.CultureInfo.InvariantCulture)));
            Assert.That(Regex.Match(Text, @"^VOLUME (\S+)", RegexOptions.Multiline).Groups[1].Value, Is.EqualTo(settings["Data__Directory"]));
        });
    }

    [Test]
    public void What_it_says_of_memory_can_be_read_about_by_whoever_starts_the_program_without_it()
    {
        var book = File.ReadAllText(Repository.PathOf("docs/DEPLOYMENT.md"));

        Assert.That(ImageFile.Memory.Select(m => m.Key), Is.Not.Empty.And.All.Matches<string>(name => book.Contains($"`{name}`", StringComparison.Ordinal)));
    }

    [TestCase("HEALTHCHECK .*CMD")]
    [TestCase("CMD")]
    public async Task Its_commands_are_verbs(string instruction)
    {
        var words = Regex.Match(Text, $@"^{instruction} \[(.*)\]", RegexOptions.Multiline).Groups[1].Value.Split(", ").Select(w => w.Trim('"')).Where(w => w != "/app/leadpipeline").ToList();

        Assert.That(await DeployedVerbs.ExistsAsync(words), words.Aggregate("", (all, w) => $"{all} {w}"));
    }

    [Test]
    public async Task A_verb_that_does_not_exist_is_noticed()
    {
        Assert.That(await DeployedVerbs.ExistsAsync(["db", "migrat"]), Is.False);
    }

    [TestCase("http://0.0.0.0:8080", "http://127.0.0.1:8080/")]
    [TestCase("http://*:9090", "http://127.0.0.1:9090/")]
    [TestCase("http://+:80", "http://127.0.0.1/")]
    [TestCase("http://[::]:8080", "http://127.0.0.1:8080/")]
    [TestCase("https://leads.example.com", "https://leads.example.com/")]
    [TestCase("http://localhost:8081", "http://localhost:8081/")]
    public void Health_asks_where_the_service_listens(string listening, string asked)
    {
        Assert.That(HealthCommand.Local(listening).ToString(), Is.EqualTo(asked));
    }

    private static IEnumerable<string> Projects(string project)
    {
        var folder = Path.GetDirectoryName(Repository.PathOf(project))!;
        var references = XDocument.Load(Repository.PathOf(project)).Descendants("ProjectReference")
            .Select(r => Path.GetRelativePath(Repository.Root, Path.GetFullPath(Path.Combine(folder, r.Attribute("Include")!.Value))).Replace('\\', '/'));
        return references.SelectMany(Projects).Prepend(project);
    }
}
