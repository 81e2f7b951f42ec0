<?php

/**
 * Removes what the plugin has stored, on every site of a network.
 *
 * @package Ringpool
 */

defined('WP_UNINSTALL_PLUGIN') || exit;

if (is_multisite()) {
    foreach (get_sites(array('fields' => 'ids', 'number' => 0)) as $ringpool_site) {
        switch_to_blog($ringpool_site);
        delete_option('ringpool_settings');
        restore_current_blog();
    }
} else {
    delete_option('ringpool_settings');
}
