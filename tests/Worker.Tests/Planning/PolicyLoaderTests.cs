using System.ComponentModel.DataAnnotations;
using LeadPipeline.Worker.Planning;

namespace LeadPipeline.Worker.Tests.Planning;

[TestFixture]
public sealed class PolicyLoaderTests
{
    private string _root = "";

    [SetUp]
    public void MakeRoot() => Directory.CreateDirectory(Path.Combine(_root = Directory.CreateTempSubdirectory().FullName, "policies"));

    [TearDown]
    public void RemoveRoot() => Directory.Delete(_root, recursive: true);

    [Test]
    public void Should_use_the_built_in_policy_when_there_is_no_other() =>
        Assert.That(PolicyLoader.Load(new PolicyOptions(), "Production", _root, PlanCase.Tools).Identity.Name, Is.EqualTo("default"));

    [Test]
    public void Should_prefer_the_configured_file_over_that_of_the_environment()
    {
        File.WriteAllText(Path.Combine(_root, "mine.yaml"), "version: 1\nname: mine\nplans: {}\n");
        File.WriteAllText(Path.Combine(_root, "policies", "Staging.yaml"), "version: 1\nname: staging\nplans: {}\n");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(PolicyLoader.Load(new PolicyOptions(), "Staging", _root, PlanCase.Tools).Identity.Name, Is.EqualTo("staging"));
            Assert.That(PolicyLoader.Load(new PolicyOptions { File = "mine.yaml" }, "Staging", _root, PlanCase.Tools).Identity.Name, Is.EqualTo("mine"));
        }
    }

    [Test]
    public void Should_say_which_file_cannot_be_read() =>
        Assert.That(() => PolicyLoader.Load(new PolicyOptions { File = "gone.yaml" }, "Production", _root, PlanCase.Tools),
            Throws.InstanceOf<PolicyException>().With.Message.Contains("gone.yaml:1: the policy cannot be read"));

    [Test]
    public void Should_read_each_policy_among_the_samples()
    {
        var samples = Directory.GetFiles(Path.Combine(TestContext.CurrentContext.TestDirectory, "policies"), "*.yaml");

        Assert.That(samples, Is.Not.Empty);
        Assert.That(samples, Has.All.Matches<string>(file => PolicyLoader.LoadFile(file, PlanCase.Tools).Plans.Count > 0));
    }

    [TestCase("UTC", true)]
    [TestCase("Europe/Berlin", true)]
    [TestCase("Mars/Olympus", false)]
    public void Should_know_time_zones(string zone, bool valid)
    {
        var options = new PolicyOptions { TimeZone = zone };

        Assert.That(Validator.TryValidateObject(options, new ValidationContext(options), null), Is.EqualTo(valid));
    }
}
