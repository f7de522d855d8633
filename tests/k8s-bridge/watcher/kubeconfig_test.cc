#include <absl/strings/escaping.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>

#include "k8s-bridge/watcher/api_access.h"
#include "tests/k8s-bridge/watcher/temporary_folder.h"

namespace ofe::watcher {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;

const std::string pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

class KubeconfigTest : public ::testing::Test {
 protected:
  std::string config(const std::string& cluster, const std::string& user) {
    return "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
           "contexts:\n- {name: other, context: {cluster: x, user: y}}\n- {name: here, context: {cluster: c, user: "
           "u}}\n"
           "clusters:\n- {name: c, cluster: " +
           cluster + "}\nusers:\n- {name: u, user: " + user + "}\n";
  }
  ApiAccess access(const std::string& text) {
    ApiAccess access;
    std::string error;
    EXPECT_TRUE(kubeconfig_access(folder_.write("config", text), access, error)) << error;
    return access;
  }
  std::string error_of(const std::string& text) {
    ApiAccess access;
    std::string error;
    EXPECT_FALSE(kubeconfig_access(folder_.write("config", text), access, error)) << text;
    EXPECT_THAT(error, HasSubstr(folder_.path("config")));
    return error;
  }

  TemporaryFolder folder_;
};

TEST_F(KubeconfigTest, DataAndToken) {
  const std::string encoded = absl::Base64Escape(pem);
  const ApiAccess found = access(config(
      "{server: 'https://10.0.0.1:6443', certificate-authority-data: " + encoded + ", tls-server-name: kubernetes}",
      "{token: abc}"));
  EXPECT_EQ(found.server, "https://10.0.0.1:6443");
  EXPECT_EQ(found.ca_data, pem);
  EXPECT_EQ(found.ca_path, "");
  EXPECT_EQ(found.tls_server_name, "kubernetes");
  EXPECT_EQ(found.token, "abc");
  EXPECT_FALSE(found.insecure_skip_tls_verify);
}

TEST_F(KubeconfigTest, FilesAreRelativeToTheKubeconfig) {
  for (const char* name : {"ca.crt", "client.crt", "client.key", "token"}) folder_.write(name, pem);
  const ApiAccess found = access(
      config("{server: 'https://a', certificate-authority: ca.crt}",
             "{client-certificate: client.crt, client-key: " + folder_.path("client.key") + ", tokenFile: token}"));
  EXPECT_EQ(found.ca_path, folder_.path("ca.crt"));
  EXPECT_EQ(found.client_certificate_path, folder_.path("client.crt"));
  EXPECT_EQ(found.client_key_path, folder_.path("client.key"));
  EXPECT_EQ(found.token_path, folder_.path("token"));
}

TEST_F(KubeconfigTest, DataWinsOverAFile) {
  const std::string encoded = absl::Base64Escape(pem);
  const ApiAccess found = access(config(
      "{server: 'https://a', certificate-authority: missing, certificate-authority-data: " + encoded + "}", "{}"));
  EXPECT_EQ(found.ca_path, "");
  EXPECT_EQ(found.ca_data, pem);
}

TEST_F(KubeconfigTest, VerificationCanBeTurnedOffButNotHalfWay) {
  EXPECT_TRUE(access(config("{server: 'https://a', insecure-skip-tls-verify: true}", "{}")).insecure_skip_tls_verify);
  EXPECT_THAT(error_of(config("{server: 'https://a', insecure-skip-tls-verify: yes}", "{}")),
              HasSubstr("insecure-skip-tls-verify \"yes\" is neither true nor false"));
  EXPECT_THAT(error_of(config("{server: 'https://a', insecure-skip-tls-verify: true, certificate-authority-data: " +
                                  absl::Base64Escape(pem) + "}",
                              "{}")),
              HasSubstr("both a certificate-authority and insecure-skip-tls-verify"));
}

TEST_F(KubeconfigTest, CredentialsThatAreNotSupportedAreNamed) {
  for (const char* user :
       {"{exec: {command: aws}}", "{auth-provider: {name: gcp}}", "{username: a, password: b}", "{as: root}"}) {
    EXPECT_THAT(error_of(config("{server: 'https://a'}", user)),
                AllOf(HasSubstr("user \"u\""), HasSubstr("is not supported; use token, tokenFile")));
  }
}

TEST_F(KubeconfigTest, ErrorsSayWhereAndWhat) {
  EXPECT_THAT(error_of(config("{server: '10.0.0.1:6443'}", "{}")),
              HasSubstr("cluster \"c\": server \"10.0.0.1:6443\" is not a URL"));
  EXPECT_THAT(error_of(config("{server: [x]}", "{}")), HasSubstr("cluster \"c\": server is not a string"));
  EXPECT_THAT(
      error_of(config("{server: 'https://a', certificate-authority: nowhere.crt}", "{}")),
      HasSubstr("cluster \"c\": certificate-authority: cannot read " + folder_.path("nowhere.crt") + ": No such file"));
  EXPECT_THAT(error_of(config("{server: 'https://a', certificate-authority-data: '%%%'}", "{}")),
              HasSubstr("certificate-authority-data is not PEM in base64"));
  EXPECT_THAT(error_of(config("{server: 'https://a'}", "{client-certificate-data: " + absl::Base64Escape(pem) + "}")),
              HasSubstr("user \"u\": has a client-certificate and no client-key"));
  EXPECT_THAT(error_of(config("{server: 'https://a'}", "{tokenFile: none}")), HasSubstr("tokenFile: cannot read"));
}

TEST_F(KubeconfigTest, NamesThatLeadNowhere) {
  EXPECT_THAT(error_of("contexts:\n- {name: one, context: {}}\n- {name: two, context: {}}\n"),
              EndsWith("current-context is not set; contexts are: one, two"));
  EXPECT_THAT(error_of("current-context: three\ncontexts:\n- {name: one, context: {}}\n"),
              EndsWith("current-context: names \"three\", which is not among contexts: one"));
  EXPECT_THAT(error_of("current-context: one\ncontexts:\n- {name: one, context: {cluster: c}}\n"),
              EndsWith("context \"one\": names \"c\", which is not among clusters: none"));
  EXPECT_THAT(error_of("current-context: one\ncontexts:\n- {name: one}\n"),
              EndsWith("contexts \"one\": has no context"));
}

TEST_F(KubeconfigTest, FilesThatCannotBeRead) {
  EXPECT_THAT(error_of("a: [b"), HasSubstr("line "));
  EXPECT_THAT(error_of("just words"), HasSubstr("is not a map with clusters, users and contexts"));
  ApiAccess access;
  std::string error;
  EXPECT_FALSE(kubeconfig_access(folder_.path("missing"), access, error));
  EXPECT_EQ(error, "kubeconfig: cannot open " + folder_.path("missing") + ": No such file or directory");
}

class InClusterTest : public ::testing::Test {
 protected:
  ~InClusterTest() override {
    unsetenv("KUBERNETES_SERVICE_HOST");
    unsetenv("KUBERNETES_SERVICE_PORT");
  }
  TemporaryFolder folder_;
  ApiAccess access_;
  std::string error_;
};

TEST_F(InClusterTest, FromTheEnvironmentAndTheServiceAccount) {
  EXPECT_FALSE(in_cluster_access(folder_.path("."), access_, error_));
  EXPECT_THAT(error_, HasSubstr("KUBERNETES_SERVICE_HOST"));
  setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
  setenv("KUBERNETES_SERVICE_PORT", "443", 1);
  folder_.write("ca.crt", pem);
  EXPECT_FALSE(in_cluster_access(folder_.path("."), access_, error_));
  EXPECT_THAT(error_, HasSubstr("/token: No such file"));
  folder_.write("token", "t");
  ASSERT_TRUE(in_cluster_access(folder_.path("."), access_, error_)) << error_;
  EXPECT_EQ(access_.server, "https://[fd00::1]:443");
  EXPECT_THAT(access_.token_path, EndsWith("/token"));
}

}  // namespace
}  // namespace ofe::watcher
